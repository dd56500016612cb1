"""Translate errors of Lance and of the operating system into ours.

Lance reports storage failures as ``OSError``, ``ValueError`` or ``RuntimeError`` with the system's message in the
text, so the text has to tell them apart. Our own mistakes raise the same classes. They are not translated: calling
them damage would make users drop healthy pages.
"""

from __future__ import annotations

import errno
import re
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from maxsight.errors import (
    FormatError,
    LibraryDamagedError,
    LibraryReadOnlyError,
    StorageFullError,
    StoreError,
)

FOREIGN = (OSError, ValueError, RuntimeError, KeyError, NotImplementedError)
"""The classes that Lance raises."""

_FULL = re.compile(r"No space left|Disk quota exceeded|os error (28|122)\b", re.IGNORECASE)
_READ_ONLY = re.compile(r"Read-only file system|os error 30\b", re.IGNORECASE)
_NO_PERMISSION = re.compile(r"Permission denied|Operation not permitted|os error (13|1)\b", re.IGNORECASE)
_GONE = re.compile(r"not found|No such file|does not exist", re.IGNORECASE)
_NEWER = re.compile(r"upgrade Lance|Unknown Lance storage version|Unsupported logical type", re.IGNORECASE)
_SYSTEM = re.compile(r"os error (\d+)")
_SOURCE = re.compile(r"[,;]?\s*(at )?\S+\.rs:\d+(:\d+)?")
"""A place in Lance's own source."""


class UndecodableRowError(ValueError):
    """Stored values that are no row of a page, though Lance could read them."""


@contextmanager
def translated(
    place: Path | str,
    *,
    writing: bool = False,
    first: Callable[[BaseException, bool], StoreError | None] = lambda error, writing: None,
) -> Iterator[None]:
    """Turn foreign errors about a library into ours.

    Args:
        place: The library, named in messages.
        writing: Whether a missing permission is one to write.
        first: Returns the error for what it knows better, given the foreign error and ``writing``.

    Raises:
        StorageFullError: The disk is full.
        LibraryReadOnlyError: The place can't be written to.
        FormatError: A newer Lance wrote the library.
        LibraryDamagedError: Something that was written can't be read.
        StoreError: The system failed in another way: no permission to read, too many open files, a broken disk.
    """
    try:
        yield
    except BaseException as error:
        if not is_foreign(error):
            raise
        raise first(error, writing) or _ours(error, place, writing) from error


def is_foreign(error: BaseException) -> bool:
    """Return whether Lance or the system raised an error, or a stored row is to blame.

    Where Lance panics, the error is no ``Exception`` at all. Stored text that is not UTF-8 fails in pyarrow, when it
    becomes Python's. Other classes count only if Lance was running.
    """
    if isinstance(error, OSError | UndecodableRowError | UnicodeDecodeError):
        return True
    if type(error).__name__ == "PanicException":
        return True
    modules = (str(frame.f_globals.get("__name__")) for frame, _ in traceback.walk_tb(error.__traceback__))
    return isinstance(error, FOREIGN) and any(name.partition(".")[0] == "lance" for name in modules)


def is_gone(error: BaseException | None) -> bool:
    """Return whether an error of Lance says that a file is missing."""
    return isinstance(error, FOREIGN) and bool(_GONE.search(str(error)))


def blames_data(error: BaseException) -> bool:
    """Return whether the data may be to blame for a failure to read, not the system and not a newer Lance."""
    return is_foreign(error) and not _system_failed(error) and not _NEWER.search(str(error))


def damaged(place: Path | str, what: str) -> LibraryDamagedError:
    """Return the error for a library with something that can't be read."""
    return LibraryDamagedError(
        f"{place} can't be read: {what}",
        hint=f"`maxsight verify --repair --library {place}` drops what is damaged; "
        "`maxsight index` reads those pages again.",
    )


def brief(error: BaseException) -> str:
    """Return an error's first line, without places in foreign source files."""
    line = _SOURCE.sub("", str(error).partition("\n")[0])
    return line if len(line) <= 200 else line[:197] + "..."


def _ours(error: BaseException, place: Path | str, writing: bool) -> StoreError:
    text = str(error)
    number = getattr(error, "errno", None)
    if number in (errno.ENOSPC, errno.EDQUOT) or _FULL.search(text):
        return StorageFullError(
            f"{place}: no space is left on the disk; everything reported before is safe",
            hint="Free some space and run the same command again.",
        )
    no_permission = number in (errno.EACCES, errno.EPERM) or _NO_PERMISSION.search(text)
    if number == errno.EROFS or _READ_ONLY.search(text) or (writing and no_permission):
        return LibraryReadOnlyError(
            f"{place} can't be written to: {brief(error)}",
            hint="Check its permissions, or copy the library to a place of your own.",
        )
    if no_permission:
        return StoreError(f"{place} may not be read: {brief(error)}", hint="Check its permissions.")
    if _NEWER.search(text):
        return FormatError(
            f"{place} was written by a newer version of Lance: {brief(error)}",
            hint="Upgrade: pip install --upgrade maxsight pylance",
        )
    if _system_failed(error):
        return StoreError(
            f"{place} can't be used now: {brief(error)}",
            hint="The system reported this. Run the same command again when that is solved.",
        )
    return damaged(place, brief(error))


def _system_failed(error: BaseException) -> bool:
    """Return whether the system reports another failure than a missing file."""
    if _NO_PERMISSION.search(str(error)):
        return True
    named = _SYSTEM.search(str(error))
    number = int(named[1]) if named else getattr(error, "errno", None)
    return number is not None and number != errno.ENOENT
