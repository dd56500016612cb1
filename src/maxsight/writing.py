"""Files that a user names to be written. Refuses a name of another kind, and names the file that can't be written."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from maxsight.errors import InputError


def check_suffix(file: Path, suffixes: Collection[str], content: str, *, or_else: str = "") -> None:
    """Refuse a wrong suffix: it may be a file that the user must not lose.

    Args:
        file: The file.
        suffixes: The allowed ones, in lower case.
        content: The content's name for the message, with its verb: ``predictions are``.
        or_else: What else could be named.

    Raises:
        InputError: It names the suffixes.
    """
    if file.suffix.lower() not in suffixes:
        *first, last = suffixes
        names = f"{', '.join(first)} or {last}" if first else last
        raise InputError(
            f"{content} written to {', '.join(suffixes)}, so {file} can't be its name",
            hint=f"Let it end in {names}{or_else}.",
        )


@contextmanager
def named_errors(file: Path) -> Iterator[None]:
    """Name a file, or a folder, that can't be written.

    Raises:
        InputError: In place of an ``OSError``.
    """
    try:
        yield
    except OSError as error:
        raise InputError(f"{file} can't be written: {error.strerror or error}") from error


@contextmanager
def moved_when_whole(file: Path) -> Iterator[Path]:
    """Give a file to write beside another, and move it to that one's place at the end. An error removes it.

    Raises:
        InputError: In place of an ``OSError``.
    """
    unfinished = file.with_name(file.name + ".part")
    try:
        with named_errors(file):
            yield unfinished
            os.replace(unfinished, file)
    finally:
        unfinished.unlink(missing_ok=True)
