"""Where Lance's and the operating system's errors become ours.

Lance reports storage failures as ``OSError``, ``ValueError`` or ``RuntimeError`` with the system's message in
the text, so the text is what there is to go by.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from maxsight.errors import (
    LibraryDamagedError,
    LibraryNotFoundError,
    LibraryReadOnlyError,
    MaxSightError,
    StorageFullError,
    StoreError,
)

FOREIGN = (OSError, ValueError, RuntimeError, KeyError, NotImplementedError)
"""What Lance and pyarrow raise."""

_FULL = re.compile(r"No space left|Disk quota exceeded|os error (28|122)\b", re.IGNORECASE)
_READ_ONLY = re.compile(r"Read-only file system|Permission denied|os error (13|30|1)\b", re.IGNORECASE)
_GONE = re.compile(r"not found|No such file|does not exist", re.IGNORECASE)


@contextmanager
def translated(place: Path) -> Iterator[None]:
    """Turn foreign errors about a library into ours.

    Args:
        place: The library, named in messages.

    Raises:
        StorageFullError: The disk is full.
        LibraryReadOnlyError: The place can't be written to.
        LibraryDamagedError: Something can't be read as it was written.
    """
    try:
        yield
    except MaxSightError:
        raise
    except BaseException as error:
        if not is_foreign(error):
            raise
        raise _ours(error, place) from error


def is_foreign(error: BaseException) -> bool:
    """Whether an error is one of Lance's or the system's. Where Lance panics, it is no ``Exception`` at all."""
    return isinstance(error, FOREIGN) or type(error).__name__ == "PanicException"


def is_gone(error: BaseException) -> bool:
    """Whether an error of Lance says that a file is not there any more."""
    return isinstance(error, FOREIGN) and bool(_GONE.search(str(error)))


def not_found(place: Path) -> LibraryNotFoundError:
    """The error for a place without a library."""
    return LibraryNotFoundError(
        f"there is no library at {place}", hint=f"Make one: maxsight index FOLDER --library {place}"
    )


def _ours(error: BaseException, place: Path) -> StoreError:
    text = str(error)
    number = getattr(error, "errno", None)
    if number in (errno.ENOSPC, errno.EDQUOT) or _FULL.search(text):
        return StorageFullError(
            f"{place}: no space is left on the disk; everything reported before is safe",
            hint="Free some space and run the same command again.",
        )
    if number in (errno.EROFS, errno.EACCES, errno.EPERM) or _READ_ONLY.search(text):
        return LibraryReadOnlyError(
            f"{place} can't be written to: {_brief(text)}",
            hint="Check its permissions, or copy the library to a place of your own.",
        )
    return LibraryDamagedError(
        f"{place} can't be read: {_brief(text)}",
        hint="`maxsight verify` says what is damaged and drops it; `maxsight index` brings it back.",
    )


def _brief(text: str) -> str:
    line = text.partition("\n")[0]
    return line if len(line) <= 200 else line[:197] + "..."
