"""How an encoder runs here: the options of every command that loads one."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from maxsight.settings import device_names

if TYPE_CHECKING:
    from maxsight.encoders import EncoderOptions

Command = TypeVar("Command", bound=Callable[..., Any])
Option = Callable[[Any], Any]

_DEVICE = re.compile(r"auto|cpu|mps|cuda(:\d+)?")


def encoder_options(command: Command) -> Command:
    """Add ``--device``, ``--devices``, ``--dtype``, ``--batch-size`` and ``--trust-remote-code``.

    The command takes what they come to as one argument, ``encoder_options``.
    """
    several = click.option(
        "--devices",
        callback=_devices,
        metavar="0,1,...",
        help="Several GPUs, which work side by side on different pages.",
    )
    batch_size = click.option(
        "--batch-size",
        callback=_batch_size,
        metavar="auto|N",
        default="auto",
        show_default=True,
        help="Pages, or a text model's windows of text, encoded together; auto goes by free memory.",
    )
    device, dtype, trust = _common_options()
    return _taking_options(command, device, several, dtype, batch_size, trust)


def query_encoder_options(command: Command) -> Command:
    """Add ``--encoder``, ``--device``, ``--dtype`` and ``--trust-remote-code``, for commands that encode queries.

    The command takes the first as ``encoder``, and what the others come to as ``encoder_options``.
    """
    elsewhere = click.option(
        "--encoder", metavar="NAME", help="Where the library's encoder is now, if its folder has moved."
    )
    return _taking_options(command, elsewhere, *_common_options())


def _common_options() -> tuple[Option, Option, Option]:
    return (
        click.option(
            "--device",
            callback=_devices,
            metavar="auto|cuda|cuda:1|mps|cpu",
            help="Where a checkpoint runs; other encoders have no choice.  [default: $MAXSIGHT_DEVICE, else auto]",
        ),
        click.option(
            "--dtype",
            type=click.Choice(["auto", "bfloat16", "float16", "float32"]),
            default="auto",
            show_default=True,
            help="What the encoder computes in.",
        ),
        click.option(
            "--trust-remote-code",
            is_flag=True,
            help="Run Python code that comes with a checkpoint of texts; those of pictures need none.",
        ),
    )


def _taking_options(command: Command, *options: Option) -> Command:
    @wraps(command)
    def with_options(**given: Any) -> Any:
        return command(encoder_options=_taken_from(given), **given)

    decorated: Any = with_options
    for option in reversed(options):
        decorated = option(decorated)
    return cast(Command, decorated)


def _taken_from(options: dict[str, Any]) -> EncoderOptions:
    """What the options say, taken out of them."""
    from maxsight.encoders import EncoderOptions, Precision

    device, devices = options.pop("device"), options.pop("devices", None)
    if device and devices:
        raise click.UsageError("Give --device or --devices, not both.")
    chosen = EncoderOptions(
        precision=Precision(options.pop("dtype")),
        batch_size=options.pop("batch_size", None),
        trust_remote_code=options.pop("trust_remote_code"),
    )
    return replace(chosen, devices=device or devices) if device or devices else chosen


def _devices(context: click.Context, option: click.Parameter, value: str | None) -> tuple[str, ...] | None:
    if value is None:
        return None
    names = device_names(value)
    for name in names:
        if not _DEVICE.fullmatch(name):
            raise click.BadParameter(f"{name!r} is none of auto, cuda, cuda:1, mps, cpu.", context, option)
    if option.name == "device" and len(names) > 1:
        raise click.BadParameter(f"{value!r} names several: use --devices.", context, option)
    return names


def _batch_size(context: click.Context, option: click.Parameter, value: str) -> int | None:
    if value == "auto":
        return None
    if not value.isdecimal() or int(value) < 1:
        raise click.BadParameter(f"{value!r} is neither auto nor a number of pages.", context, option)
    return int(value)
