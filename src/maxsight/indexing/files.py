"""Files as a run looks at them: named, compared with what is stored, watched for changes."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

from maxsight.documents import content_hash
from maxsight.errors import UnreadableDocumentError
from maxsight.identity import document_path
from maxsight.stores.base import DocumentEntry
from maxsight.types import Document


def library_name(file: Path, home: Path | None) -> str:
    """Name a file within the library.

    Raises:
        UnreadableDocumentError: Its name is not text, so no library can hold it.
    """
    path = document_path(file, home)
    if not path.isascii() and path != path.encode("utf-8", "replace").decode():
        shown = path.encode("utf-8", "replace").decode()
        raise UnreadableDocumentError(shown, "its name is not valid UTF-8", hint="Rename the file.")
    return path


def look_at(file: Path, path: str, entry: DocumentEntry | None) -> Document:
    """Describe a file, hashing it only when its size or time has changed.

    Raises:
        UnreadableDocumentError: It can't be read.
    """
    try:
        stat = file.stat()
    except OSError as error:
        raise UnreadableDocumentError(file, f"can't be read: {error.strerror or error}") from error
    page_count = 0
    if entry is not None:
        known = entry.document
        if (known.size_bytes, known.modified_ns) == (stat.st_size, stat.st_mtime_ns):
            return known
        page_count = known.page_count
    return Document(path, content_hash(file), stat.st_size, stat.st_mtime_ns, page_count)


def content(document: Document) -> tuple[str, str]:
    """What makes two files one content: their bytes, and the kind their name gives them."""
    return document.content_hash, PurePosixPath(document.path).suffix.lower()


def has_changed(document: Document, file: Path) -> bool:
    """Whether a file has another size or time than when it was looked at."""
    try:
        stat = file.stat()
    except OSError:
        return True
    return (document.size_bytes, document.modified_ns) != (stat.st_size, stat.st_mtime_ns)


def is_gone(file: Path) -> bool:
    """Whether a file is certainly not there; one that can't be seen may well be."""
    try:
        os.lstat(file)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def missing_pages(entry: DocumentEntry | None) -> tuple[int, ...] | None:
    """Which pages an incomplete document lacks, last first; None for all of them.

    A file is given up after several pages in a row that hang; from its other end the rest can be reached.
    """
    if entry is None:
        return None
    return tuple(sorted(set(range(entry.document.page_count)) - set(entry.page_indices), reverse=True))
