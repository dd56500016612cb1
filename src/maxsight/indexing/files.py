"""Names files within the library, and compares them with the stored documents."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from maxsight.documents.files import FileState, check_name, content_hash
from maxsight.identity import document_path
from maxsight.stores.base import DocumentEntry
from maxsight.types import Document


def library_name(file: Path, home: Path | None) -> str:
    """Name a file within the library.

    Raises:
        UnreadableDocumentError: Its name is not text.
    """
    return check_name(document_path(file, home))


def look_at(file: Path, path: str, entry: DocumentEntry | None) -> Document:
    """Describe a file. Hash it only where its size or time differ from the stored ones.

    Raises:
        UnreadableDocumentError: It can't be read.
    """
    state = FileState.of(file)
    if entry is not None and state == state_of(entry.document):
        return entry.document
    page_count = 0 if entry is None else entry.document.page_count
    return Document(path, content_hash(file), state.size_bytes, state.modified_ns, page_count)


def state_of(document: Document) -> FileState:
    """Give the size and time that a document's file had when it was looked at."""
    return FileState(document.size_bytes, document.modified_ns)


def content(document: Document) -> tuple[str, str]:
    """Give what two files of equal content share: their bytes, and the kind that their name gives them."""
    return document.content_hash, PurePosixPath(document.path).suffix.lower()


def same_content(entry: DocumentEntry | None, document: Document) -> DocumentEntry | None:
    """Give a stored document if all its pages are of the content that the file has now.

    One between two contents is not given: its listing does not say which pages of the new content are stored.
    """
    if entry is None or entry.mixed or entry.document.content_hash != document.content_hash:
        return None
    return entry
