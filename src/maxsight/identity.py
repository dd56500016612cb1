"""Names that stay the same from run to run: a document's path in its library, and a page's id."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from maxsight.errors import InputError, UnknownDocumentError


def document_path(file: Path, home: Path) -> str:
    """Name a file within a library.

    Args:
        file: The file on disk.
        home: The folder that holds the library.

    Returns:
        The path relative to ``home`` where the file lies below it (so that both can be moved together), else the
        absolute path; with forward slashes.
    """
    absolute = file.absolute()
    try:
        absolute = absolute.parent.resolve() / absolute.name
        return absolute.relative_to(home.resolve()).as_posix()
    except ValueError:
        return absolute.as_posix()


def document_id(path: str) -> str:
    """Name a document for addresses: the same path always gives the same 32 hex digits."""
    return hashlib.sha256(path.encode()).hexdigest()[:32]


def page_id(path: str, content_hash: str, page_index: int) -> str:
    """Name a page: the same document path, content and index always give the same 32 hex digits."""
    return hashlib.sha256(f"{path}\0{content_hash}\0{page_index}".encode()).hexdigest()[:32]


def find_document(asked: str, known: Iterable[str], home: Path) -> str:
    """Find the document a person means by a path on disk, a path in the library, or a file name.

    Raises:
        UnknownDocumentError: None fits.
        InputError: Several fit.
    """
    paths = sorted(known)
    for exact in (asked, document_path(Path(asked), home)):
        if exact in paths:
            return exact
    tail = PurePosixPath(asked).parts
    fitting = [path for path in paths if PurePosixPath(path).parts[-len(tail) :] == tail] if tail else []
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise InputError(
            f"{asked!r} fits {len(fitting)} documents: {', '.join(fitting[:5])}",
            hint="Give more of the path.",
        )
    raise UnknownDocumentError(
        f"{asked!r} is not in the library ({len(paths)} documents)", hint="`maxsight list` names them."
    )
