"""Finding documents and pages by the names people type: a path on disk, a path in the library, a file name."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from heapq import nlargest
from pathlib import Path, PurePosixPath

from maxsight.errors import InputError, UnknownDocumentError, UnknownPageError
from maxsight.identity import document_path, record_file
from maxsight.spelling import suggest

MAX_TYPED_CHARS = 300
MAX_COMPARED = 500
MAX_SUGGESTIONS = 3


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
        f"{asked!r} is not in the library ({len(paths)} documents){suggest(meant)}",
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
    typed = asked.lower()[:MAX_TYPED_CHARS]
    pairs = {typed[start : start + 2] for start in range(len(typed) - 1)}
    # Comparing closely takes 0.1 ms a name, so of a hundred thousand only those that share most letter pairs are.
    likely = nlargest(MAX_COMPARED, names, key=lambda name: sum(pair in name for pair in pairs))
    found = [
        path
        for name in get_close_matches(typed, likely, n=MAX_SUGGESTIONS, cutoff=0.7)
        for path in names[name]
    ]
    return list(dict.fromkeys(found))[:MAX_SUGGESTIONS]


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
