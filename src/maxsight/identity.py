"""Names that stay the same from run to run: a document's path in its library, and a page's id."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from difflib import get_close_matches
from heapq import nlargest
from pathlib import Path, PurePosixPath

from maxsight.errors import InputError, UnknownDocumentError, UnknownPageError
from maxsight.spelling import asking_for
from maxsight.types import Document

RECORD_MARK = "#"
"""Parts the path of a file of records from the name of one of its groups, as in ``wiki.jsonl#Adobe Inc.``"""
MOST_TYPED, MOST_COMPARED, MOST_MEANT = 300, 500, 3
_RECORDS = re.compile(r"(.+\.(?:jsonl|ndjson|csv|parquet))#", re.IGNORECASE)


def document_path(file: Path, home: Path | None) -> str:
    """Name a file within a library.

    Args:
        file: The file on disk.
        home: The folder that the library's documents are named relative to; None if there is none.

    Returns:
        The path relative to ``home`` where the file lies below it (so that both can be moved together), else the
        absolute path; with forward slashes.
    """
    absolute = file.absolute()
    try:
        absolute = absolute.parent.resolve() / absolute.name
        return (absolute if home is None else absolute.relative_to(home.resolve())).as_posix()
    except ValueError:
        return absolute.as_posix()


def source_file(path: str, home: Path | None) -> Path:
    """Where the file of a document lies: what ``document_path`` named."""
    return Path(path) if home is None else home / path


def record_file(path: str) -> str | None:
    """The path of the file of records that a document is a group of; None for a document that is a file itself."""
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


def find_document(asked: str, known: Iterable[str], home: Path | None) -> str:
    """Find the document a person means by a path on disk, a path in the library, or a file name.

    Raises:
        UnknownDocumentError: None fits.
        InputError: Several fit.
    """
    paths = sorted(known)
    on_disk = document_path(Path(asked), home)
    return on_disk if asked not in paths and on_disk in paths else find_named(asked, paths)


def find_named(asked: str, known: Iterable[str]) -> str:
    """Find the document that is meant by a path in the library, or by the end of one. No disk is looked at.

    Raises:
        UnknownDocumentError: None fits.
        InputError: Several fit.
    """
    paths = sorted(known)
    if asked in paths:
        return asked
    tail = PurePosixPath(asked).parts
    fitting = [path for path in paths if PurePosixPath(path).parts[-len(tail) :] == tail] if tail else []
    if len(fitting) > 1:
        raise InputError(
            f"{asked!r} fits {len(fitting)} documents: {', '.join(fitting[:5])}",
            hint="Give more of the path.",
        )
    return find_exactly(asked if not fitting else fitting[0], paths)


def find_exactly(asked: str, known: Iterable[str]) -> str:
    """Find the document whose path in the library this is.

    Raises:
        UnknownDocumentError: There is none. Those of the most similar names are named.
    """
    paths = list(known)
    if asked in paths:
        return asked
    meant = _like(asked, paths)
    raise UnknownDocumentError(
        f"{asked!r} is not in the library ({len(paths)} documents){asking_for(meant)}",
        hint="`maxsight list` names them.",
    )


def unknown_page(path: str, page_count: int, page_number: int) -> UnknownPageError:
    """Say that a document has no such page."""
    return UnknownPageError(f"{path} has {page_count} pages; page {page_number} is not in the library")


def _like(asked: str, paths: Iterable[str]) -> list[str]:
    """The few documents whose names are most like what somebody typed; groups, by the name of their file too."""
    names: dict[str, list[str]] = {}
    for path in paths:
        records = record_file(path)
        own = {path, PurePosixPath(path).name, *([PurePosixPath(records).name] if records else ())}
        for name in own:
            names.setdefault(name.lower(), []).append(path)
    typed = asked.lower()[:MOST_TYPED]
    pairs = {typed[start : start + 2] for start in range(len(typed) - 1)}
    # Comparing closely takes 0.1 ms a name, so of a hundred thousand only those that share most letter pairs are.
    likely = nlargest(MOST_COMPARED, names, key=lambda name: sum(pair in name for pair in pairs))
    found = [
        path for name in get_close_matches(typed, likely, n=MOST_MEANT, cutoff=0.7) for path in names[name]
    ]
    return list(dict.fromkeys(found))[:MOST_MEANT]


def find_documents(asked: str, known: Iterable[str], home: Path | None) -> list[str]:
    """Find the documents a person means: the one of this name, or all that are groups of the file of records.

    Raises:
        InputError: None or several fit.
    """
    paths = sorted(known)
    groups: dict[str, list[str]] = {}
    for path in paths:
        if records := record_file(path):
            groups.setdefault(records, []).append(path)
    found = find_document(asked, [*paths, *groups], home)
    return groups.get(found, [found])
