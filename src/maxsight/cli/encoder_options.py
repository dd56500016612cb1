"""How an encoder runs here: the options of every command that loads one."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from maxsight.cli.options import Command, add_options
from maxsight.settings import device_names

if TYPE_CHECKING:
    from maxsight.encoders import EncoderOptions

_DEVICE = re.compile(r"auto|cpu|mps|cuda(:\d+)?")


def encoder_options(command: Command) -> Callable[..., Any]:
    """Add ``--device``, ``--devices``, ``--dtype``, ``--batch-size`` and ``--trust-remote-code``.

    The command gets one argument for all of them, ``encoder_options``.
    """

    @wraps(command)
    def with_options(**given: Any) -> Any:
        return command(encoder_options=_take_options(given), **given)

    return add_options(
        with_options,
        _device_option,
        click.option(
            "--devices",
            callback=_read_devices,
            metavar="0,1,...",
            help="Several GPUs, which encode different pages at the same time.",
        ),
        _dtype_option,
        click.option(
            "--batch-size",
            callback=_read_batch_size,
            metavar="auto|N",
            default="auto",
            show_default=True,
            help="Pages, or a text model's windows of text, encoded together; auto depends on free memory.",
        ),
        _trust_option,
    )


def query_encoder_options(command: Command) -> Callable[..., Any]:
    """Add ``--encoder``, ``--device``, ``--dtype`` and ``--trust-remote-code``, for commands that encode queries.

    They become part of the command's argument ``library``, a ``ChosenLibrary``.
    """

    @wraps(command)
    def with_options(*, library: Any, encoder: str | None, **given: Any) -> Any:
        chosen = replace(library, encoder=encoder, encoder_options=_take_options(given))
        return command(library=chosen, **given)

    return add_options(
        with_options,
        click.option(
            "--encoder", metavar="NAME", help="Where the library's encoder is now, if its folder has moved."
        ),
        _device_option,
        _dtype_option,
        _trust_option,
    )


def _take_options(given: dict[str, Any]) -> EncoderOptions:
    """Remove the options of an encoder from all options, and read them."""
    from maxsight.encoders import EncoderOptions, Precision

    device, devices = given.pop("device"), given.pop("devices", None)
    if device and devices:
        raise click.UsageError("Give --device or --devices, not both.")
    chosen = EncoderOptions(
        precision=Precision(given.pop("dtype")),
        batch_size=given.pop("batch_size", None),
        trust_remote_code=given.pop("trust_remote_code"),
    )
    return replace(chosen, devices=device or devices) if device or devices else chosen


def _read_devices(
    context: click.Context, option: click.Parameter, value: str | None
) -> tuple[str, ...] | None:
    if value is None:
        return None
    names = device_names(value)
    for name in names:
        if not _DEVICE.fullmatch(name):
            raise click.BadParameter(f"{name!r} is not one of auto, cuda, cuda:1, mps, cpu.", context, option)
    if option.name == "device" and len(names) > 1:
        raise click.BadParameter(f"{value!r} names several: use --devices.", context, option)
    return names


def _read_batch_size(context: click.Context, option: click.Parameter, value: str) -> int | None:
    if value == "auto":
        return None
    if not value.isdecimal() or int(value) < 1:
        raise click.BadParameter(f"{value!r} is neither auto nor a number of pages.", context, option)
    return int(value)


_device_option = click.option(
    "--device",
    callback=_read_devices,
    metavar="auto|cuda|cuda:1|mps|cpu",
    help="Where a checkpoint runs; other encoders run on the CPU.  [default: $MAXSIGHT_DEVICE, else auto]",
)
_dtype_option = click.option(
    "--dtype",
    type=click.Choice(["auto", "bfloat16", "float16", "float32"]),
    default="auto",
    show_default=True,
    help="Number format in which the encoder computes.",
)
_trust_option = click.option(
    "--trust-remote-code",
    is_flag=True,
    help="Run Python code that comes with a text checkpoint; visual checkpoints need none.",
)
