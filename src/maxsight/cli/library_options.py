"""``--library``, ``--token`` and ``--encoder``: which library a command uses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

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


_place_option = click.option(
    "--library",
    "-l",
    default=default_library,
    metavar="PLACE",
    help="The library: a folder, a Milvus Lite database (NAME.db), or a Milvus server's URL.  "
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
    """Add ``--library`` and ``--token``. The command gets a ``ChosenLibrary`` as ``library``."""

    @_place_option
    @token_option
    @wraps(command)
    def with_library(*args: Any, library: str, token: str | None, **options: Any) -> Any:
        return command(*args, library=ChosenLibrary(parse_address(library, token)), **options)

    return with_library


def served_library_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--library`` for a command with another ``--token``; Milvus gets $MAXSIGHT_TOKEN."""

    @_place_option
    @wraps(command)
    def with_library(*args: Any, library: str, **options: Any) -> Any:
        return command(*args, library=ChosenLibrary(parse_address(library, library_token())), **options)

    return with_library
