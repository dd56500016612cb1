"""``--library``, ``--token`` and ``--encoder``: which library a command uses."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from maxsight.cli.options import Command, add_options
from maxsight.settings import DEFAULT_LIBRARY, default_library, library_token
from maxsight.stores.addresses import Address, parse_address

if TYPE_CHECKING:
    from maxsight import Library
    from maxsight.encoders import EncoderOptions


@dataclass(frozen=True, slots=True)
class ChosenLibrary:
    """The library that a user names.

    Attributes:
        address: Where it lies.
        encoder: Where its encoder is now; None for the name that the library stores.
        encoder_options: How its encoder runs.
    """

    address: Address
    encoder: str | None = None
    encoder_options: EncoderOptions | None = None

    def __str__(self) -> str:
        return str(self.address)

    def open(self, **options: Any) -> Library:
        """Open it; see ``Library.open``."""
        from maxsight import Library

        return Library.open(self.address, encoder=self.encoder, options=self.encoder_options, **options)


def _size(_context: click.Context, _parameter: click.Parameter, text: str | None) -> int | None:
    """Read a size such as ``10GB``."""
    if text is None:
        return None
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]?)B?", text.strip(), re.IGNORECASE)
    if found is None:
        raise click.BadParameter(f"{text!r} is not a size, such as 10GB")
    return int(float(found[1]) * 1000 ** " KMGT".index(found[2].upper() or " "))


def _pairs(_context: click.Context, _parameter: click.Parameter, texts: tuple[str, ...]) -> dict[str, str]:
    pairs = [text.partition("=") for text in texts]
    if bad := [name for name, equals, _ in pairs if not equals]:
        raise click.BadParameter(f"{bad[0]!r} is not KEY=VALUE")
    return {name.strip().lower(): value for name, _, value in pairs}


def storage_options(command: Command) -> Command:
    """Add ``--storage-option`` and ``--cache-size``: how buckets are reached."""
    return add_options(
        command,
        click.option(
            "--storage-option",
            "storage_options",
            multiple=True,
            callback=_pairs,
            metavar="KEY=VALUE",
            help="How a bucket is reached, as aws_endpoint=URL. Repeatable. Other users of this machine can see it "
            "here; the environment (AWS_SECRET_ACCESS_KEY) is safer for secrets.",
        ),
        click.option(
            "--cache-size",
            "cache_bytes",
            callback=_size,
            metavar="SIZE",
            help="How much of this disk copies of a bucket's files may take.  [default: 10GB]",
        ),
    )


_place_option = click.option(
    "--library",
    "-l",
    default=default_library,
    metavar="PLACE",
    help="The library: a folder, a place in a bucket (s3://BUCKET/NAME, gs://, az://), a Milvus Lite database "
    "(NAME.db), or a Milvus server's URL.  "
    f"[default: $MAXSIGHT_LIBRARY, else ./{DEFAULT_LIBRARY}]",
)
token_option = click.option(
    "--token",
    default=library_token,
    metavar="TOKEN",
    help="Token of a Milvus server: user:password or an API key. Other users of this machine can see it here; "
    "$MAXSIGHT_TOKEN is safer.",
)


def library_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--library``, ``--token`` and ``storage_options``. The command gets a ``ChosenLibrary`` as ``library``."""

    @_place_option
    @token_option
    @storage_options
    @wraps(command)
    def with_library(*args: Any, library: str, token: str | None, **options: Any) -> Any:
        return command(*args, library=_chosen(library, token, options), **options)

    return with_library


def served_library_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--library`` for a command with another ``--token``; Milvus gets $MAXSIGHT_TOKEN."""

    @_place_option
    @storage_options
    @wraps(command)
    def with_library(*args: Any, library: str, **options: Any) -> Any:
        return command(*args, library=_chosen(library, library_token(), options), **options)

    return with_library


def _chosen(place: str, token: str | None, options: dict[str, Any]) -> ChosenLibrary:
    """Take the options of buckets out of a command's, and read the address with them."""
    return ChosenLibrary(
        parse_address(
            place,
            token,
            storage_options=options.pop("storage_options"),
            cache_bytes=options.pop("cache_bytes"),
        )
    )
