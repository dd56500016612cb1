"""Files as the system describes them: their content's hash, and whether they have changed or gone."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from maxsight.errors import UnreadableDocumentError


@dataclass(frozen=True, slots=True)
class FileState:
    """A file's size and time of change. Where both are the same, its content is taken to be the same.

    Attributes:
        size_bytes: Its size.
        modified_ns: When it was last written, in nanoseconds since 1970.
    """

    size_bytes: int
    modified_ns: int

    @classmethod
    def of(cls, file: Path) -> FileState:
        """Look at a file.

        Raises:
            UnreadableDocumentError: It is not there, or can't be looked at.
        """
        try:
            status = file.stat()
        except OSError as error:
            raise not_opened(file, error) from error
        return cls(status.st_size, status.st_mtime_ns)

    def is_of(self, file: Path) -> bool:
        """Say whether a file has this state now."""
        try:
            return FileState.of(file) == self
        except UnreadableDocumentError:
            return False


def content_hash(path: str | Path) -> str:
    """Compute the SHA-256 of a file's bytes, in hex.

    Raises:
        UnreadableDocumentError: It can't be read.
    """
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise not_opened(Path(path), error) from error


def is_gone(file: Path) -> bool:
    """Say whether a file is certainly not there. One that can't be looked at may be there."""
    try:
        os.lstat(file)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def check_name(name: str) -> str:
    """Return a file's name if it is text.

    Raises:
        UnreadableDocumentError: It is not, so it can't be stored. POSIX names are bytes.
    """
    readable = name.encode("utf-8", "replace").decode()
    if name != readable:
        raise UnreadableDocumentError(readable, "its name is not valid UTF-8", hint="Rename the file.")
    return name


def not_opened(path: Path, error: OSError, *, hint: str | None = None) -> UnreadableDocumentError:
    """Name a file that the system did not open, and why."""
    return UnreadableDocumentError(path, f"it can't be opened ({error.strerror or error})", hint=hint)
