"""Names that stay the same from run to run: a document's path in its library, and a page's id."""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path

from maxsight.types import Document

RECORD_MARK = "#"
"""Separates the path of a file of records from the name of a group in it, as in ``wiki.jsonl#Adobe Inc.``"""
_RECORDS = re.compile(r"(.+\.(?:jsonl|ndjson|csv|tsv|parquet|arrow))#", re.IGNORECASE)


def document_path(file: Path, home: Path | None) -> str:
    """Name a file within a library.

    Args:
        file: The file on disk.
        home: The folder that documents are named relative to; None if they have absolute paths.

    Returns:
        The path relative to ``home`` if the file is below it, so that both can be moved together; else the absolute
        path. With forward slashes, and in composed letters (Unicode NFC), however the disk writes the name.
    """
    absolute = file.absolute()
    try:
        absolute = absolute.parent.resolve() / absolute.name
        return composed((absolute if home is None else absolute.relative_to(home.resolve())).as_posix())
    except ValueError:
        return composed(absolute.as_posix())


def source_file(path: str, home: Path | None) -> Path:
    """Return the file that ``document_path`` has named, as the disk writes its name."""
    file = Path(path) if home is None else home / path
    return file if path.isascii() else _as_on_disk(file)


def composed(text: str) -> str:
    """Write letters with accents as one character each (Unicode NFC), so that equal texts compare as equal."""
    return unicodedata.normalize("NFC", text)


def _as_on_disk(file: Path) -> Path:
    """Find a file in folders that write names in decomposed letters, as those of macOS do. Else return it as it is."""
    if os.path.lexists(file) or file == file.parent:
        return file
    folder = _as_on_disk(file.parent)
    try:
        names = [name for name in os.listdir(folder) if composed(name) == composed(file.name)]
    except OSError:
        names = []
    return folder / (names[0] if names else file.name)


def record_file(path: str) -> str | None:
    """Return the path of the file of records that a document is a group of; None if it is a file itself."""
    found = _RECORDS.match(path)
    return found[1] if found else None


def document_id(path: str) -> str:
    """Name a document for addresses: the same path always gives the same 32 hex digits."""
    return hashlib.sha256(path.encode()).hexdigest()[:32]


def page_id(path: str, content_hash: str, page_index: int) -> str:
    """Name a page: the same document path, content and index always give the same 32 hex digits."""
    return hashlib.sha256(f"{path}\0{content_hash}\0{page_index}".encode()).hexdigest()[:32]


def page_ids(document: Document, page_indices: Iterable[int]) -> list[str]:
    """Name some pages of a document."""
    return [page_id(document.path, document.content_hash, index) for index in page_indices]
