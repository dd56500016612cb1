"""What commands print: results to stdout, everything else to stderr."""

from __future__ import annotations

import dataclasses
import json
import math
import sys
import textwrap
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from maxsight.characters import escape_hidden
from maxsight.errors import InputError

if TYPE_CHECKING:
    from maxsight import Library
    from maxsight.embedding import NotEmbedded
    from maxsight.indexing import NotIndexed
    from maxsight.results import Region

NOT_ALL_READ = 3
INTERRUPTED = 130
LOG_INTERVAL_S = 25.0


def check_folder(file: Path) -> None:
    """Check that a file can be written, before the work for it begins.

    Raises:
        InputError: Its folder does not exist.
    """
    if not file.parent.is_dir():
        raise InputError(f"{file} can't be written: there is no folder {file.parent}")


def no_match(where: str) -> str:
    """Say that no page is left with a filter, and the usual reason if it compares text."""
    hint = "; it compares text case-sensitively, except with ILIKE and CONTAINS" if "'" in where else ""
    return f"nothing found with this filter{hint}"


def shown(name: str) -> str:
    """Write a name so that it can't steer a terminal: control and direction characters as escapes."""
    return escape_hidden(name).replace("\n", "\\n").replace("\t", "\\t")


def say(message: str) -> None:
    """Print a message that is not the result."""
    click.echo(escape_hidden(message), err=True)


@contextmanager
def log_lines(status: Callable[[], str]) -> Iterator[None]:
    """Print a line about the work at least every 30 seconds, for logs. A terminal has a progress bar instead.

    Args:
        status: Tells how far the work is. It is called in another thread.
    """
    done = threading.Event()

    def log() -> None:
        while not done.wait(LOG_INTERVAL_S):
            say(status())

    if sys.stderr.isatty():
        yield
        return
    thread = threading.Thread(target=log, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def say_notes(notes: Iterable[object]) -> None:
    """Print what a user should know."""
    for note in notes:
        say(f"note: {note}")


def say_damage(library: Library) -> None:
    """Name the damaged pages that were dropped, or are left out until a command writes."""
    for damage in library.damage:
        say(f"damaged: {damage}")


def failure_text(outcome: str, event: NotIndexed | NotEmbedded) -> str:
    """Name a file, or one of its pages, that could not be read, with the reason and a hint."""
    where = event.path if event.page_number is None else f"{event.path}, page {event.page_number}"
    hint = f"\n    {shown(event.hint)}" if event.hint else ""
    return shown(f"{outcome}: {where}: {event.reason}") + hint


@contextmanager
def resumable(done: str) -> Iterator[None]:
    """Tell a user who presses Ctrl-C that the same command continues.

    Args:
        done: What was done to the files so far: ``indexed``.
    """
    try:
        yield
    except KeyboardInterrupt:
        say(f"stopped; what was {done} is kept. The same command goes on from here.")
        sys.exit(INTERRUPTED)


def print_json(value: Any) -> None:
    """Print a result for programs."""
    click.echo(json_text(plain(value)))


def print_result(value: Any, text: str, *, as_json: bool) -> None:
    """Print a result as JSON, or its text for people."""
    if as_json:
        print_json(value)
    else:
        click.echo(text)


def json_text(value: Any) -> str:
    """Write plain values as JSON."""
    return json.dumps(value, ensure_ascii=False, indent=2)


def plain(value: Any, digits: int | None = 6) -> Any:
    """Convert frozen values to values that JSON has.

    Args:
        value: Any value.
        digits: Decimal places of numbers; None for all.
    """
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


def region_text(region: Region, max_chars: int = 60) -> str:
    """Write the words of a region, or its place, on one line."""
    return textwrap.shorten(str(region), max_chars, placeholder=" …")


def size(size_bytes: int) -> str:
    """Write a number of bytes for people, in powers of 1,000."""
    amount = float(size_bytes)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} TB"


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """Write a number with its noun: ``1 page``, ``2,000 pages``."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


@contextmanager
def progress(label: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar on stderr. Call it with the steps that are done and all steps."""
    with click.progressbar(length=1, label=label, file=sys.stderr) as bar:

        def show(done: int, total: int) -> None:
            bar.length = total
            bar.update(done - bar.pos)

        yield show
