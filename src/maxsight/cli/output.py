"""What all commands share: options, results to stdout, everything else to stderr."""

from __future__ import annotations

import dataclasses
import json
import math
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.core import ParameterSource

from maxsight.errors import InputError
from maxsight.settings import DEFAULT_LIBRARY, default_library, library_token
from maxsight.stores.addresses import parse_address

if TYPE_CHECKING:
    from maxsight import Library
    from maxsight.results import Region

INTERRUPTED = 130
NO_PAGE_PASSES = "no page passes the filter, which tells upper from lower case in text, but for ILIKE"
Command = TypeVar("Command", bound=Callable[..., Any])


_place_option = click.option(
    "--library",
    "-l",
    default=default_library,
    metavar="PLACE",
    help="The library: a folder, a Milvus Lite database (NAME.db), or a Milvus server's URL.  "
    f"[default: $MAXSIGHT_LIBRARY, else ./{DEFAULT_LIBRARY}]",
)


def library_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--library`` and ``--token``; the command is given the address they make, as ``library``."""

    @_place_option
    @token_option
    @wraps(command)
    def with_address(*args: Any, library: str, token: str | None, **options: Any) -> Any:
        return command(*args, library=parse_address(library, token), **options)

    return with_address


def served_library_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--library`` for a command whose own ``--token`` is another; Milvus is shown $MAXSIGHT_TOKEN."""

    @_place_option
    @wraps(command)
    def with_address(*args: Any, library: str, **options: Any) -> Any:
        return command(*args, library=parse_address(library, library_token()), **options)

    return with_address


def token_option(command: Command) -> Command:
    """Add ``--token``."""
    return click.option(
        "--token",
        default=library_token,
        metavar="TOKEN",
        help="Of a Milvus server: user:password or an API key. Other users of this machine can see it here, so rather "
        "set $MAXSIGHT_TOKEN.",
    )(command)


def filter_option(command: Command) -> Command:
    """Add ``--filter``; the command is given it as ``where``."""
    return click.option(
        "--filter",
        "where",
        metavar="EXPR",
        help="SQL condition on file, path, page_number and your own fields: \"year >= 2020 AND file LIKE '%.pdf'\".",
    )(command)


def quality_model_option(command: Command) -> Command:
    """Add ``--quality-model``, which stands after ``--quality``."""
    return click.option(
        "--quality-model",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="MODEL",
        help="The same, by a model of your own.",
    )(command)


def search_device_option(command: Command) -> Command:
    """Add ``--search-device``."""
    return click.option(
        "--search-device",
        metavar="cpu|auto|cuda|cuda:1|mps",
        default="cpu",
        show_default=True,
        help="Where pages are scored: a GPU holds all vectors and scores every page.",
    )(command)


def json_option(command: Command) -> Command:
    """Add ``--json``."""
    return click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")(command)


def was_given(option: str) -> bool:
    """Whether an option stands on the command line, rather than being set by the environment or not at all."""
    return click.get_current_context().get_parameter_source(option) is ParameterSource.COMMANDLINE


def check_folder(file: Path) -> None:
    """Refuse a file whose folder is not there, before the work that it is to hold.

    Raises:
        InputError: It is not.
    """
    if not file.parent.is_dir():
        raise InputError(f"{file} can't be written: there is no folder {file.parent}")


def say(message: str) -> None:
    """Tell a person something that is not the result."""
    click.echo(message, err=True)


def say_damage(library: Library) -> None:
    """Name what was found damaged, whether it was dropped by this command or is left out until one writes."""
    for damage in library.damage:
        say(f"damaged: {damage}")


def print_json(value: Any) -> None:
    """Print a result for programs."""
    click.echo(json_text(plain(value)))


def json_text(value: Any) -> str:
    """Write plain values for programs."""
    return json.dumps(value, ensure_ascii=False, indent=2)


def plain(value: Any, digits: int | None = 6) -> Any:
    """Reduce frozen values to what JSON knows, numbers to so many digits after the point; None keeps all."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: plain(getattr(value, field.name), digits)
            for field in dataclasses.fields(value)
            if field.repr
        }
    if isinstance(value, Mapping):
        return {str(key): plain(item, digits) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item, digits) for item in value]
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        return value if digits is None else round(value, digits)
    return value


def region_text(region: Region, most: int = 60) -> str:
    """A region's words, as many as fit a line, else its place."""
    return textwrap.shorten(str(region), most, placeholder=" …")


def size(size_bytes: int) -> str:
    """Bytes for people, in powers of 1,000."""
    amount = float(size_bytes)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} TB"


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """``1 page``, ``2,000 pages``."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


@contextmanager
def progress(label: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on stderr, moved by calling it with steps done and steps in all."""
    with click.progressbar(length=1, label=label, file=sys.stderr) as bar:

        def show(done: int, total: int) -> None:
            bar.length = total
            bar.update(done - bar.pos)

        yield show
