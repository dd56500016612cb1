"""Documents on their way into the store, and the commits that take them there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from maxsight.documents import ReadJob
from maxsight.documents.events import missing_pages
from maxsight.indexing.events import Indexed
from maxsight.indexing.files import same_content, state_of
from maxsight.stores.base import DocumentEntry, IndexedPage
from maxsight.types import Document, Scalar


@dataclass(slots=True)
class Commit:
    """Pages that are written together.

    Attributes:
        pages: The pages.
        completes: Documents that are complete in the store with this commit.
        replaces: Whether the documents' other pages are dropped.
        keep: Ids of pages that are not dropped: earlier commits wrote them.
        size_bytes: Size of the pages' vectors.
    """

    pages: list[IndexedPage] = field(default_factory=list)
    completes: list[Work] = field(default_factory=list)
    replaces: bool = False
    keep: set[str] = field(default_factory=set)
    size_bytes: int = 0

    def add(self, pages: Sequence[IndexedPage]) -> None:
        """Add pages."""
        self.pages += pages
        self.size_bytes += sum(page.embedding.vectors.nbytes for page in pages)


@dataclass(slots=True)
class Work:
    """One document on its way into the store.

    Attributes:
        document: The document as it will be stored.
        metadata: The user's fields of all its pages.
        file: Its file.
        missing: Pages (0-based) to read; None for all.
        replaces: Whether pages are stored at its path that are dropped in its last commit.
        overwrites: Whether the stored pages are of the same content. The new pages have their ids, so one commit writes
            all of them: the old ones stay until the new ones are complete.
        page_fields: Fields of single pages that wait for the encoder, by page index.
        held: Encoded pages of a document that replaces another one, until there are enough for a commit.
        written: Ids of the pages that earlier commits of such a document wrote.
        unencoded: How many pages wait for the encoder.
        pages: How many pages were encoded.
        vectors: How many vectors they have.
        has_ended: Whether all its pages were read.
        is_forgotten: Whether it is left as far as it is committed.
    """

    document: Document
    metadata: Mapping[str, Scalar]
    file: Path
    missing: tuple[int, ...] | None
    replaces: bool
    overwrites: bool = False
    page_fields: dict[int, Mapping[str, Scalar]] = field(default_factory=dict)
    held: Commit = field(default_factory=Commit)
    written: set[str] = field(default_factory=set)
    unencoded: int = 0
    pages: int = 0
    vectors: int = 0
    has_ended: bool = False
    is_forgotten: bool = False

    @classmethod
    def planned(
        cls,
        document: Document,
        metadata: Mapping[str, Scalar],
        file: Path,
        entry: DocumentEntry | None,
        *,
        again: bool,
    ) -> Work:
        """Plan a document: read all pages, or those that the stored document at its path lacks."""
        same = same_content(entry, document)
        known = None if again else same
        missing = missing_pages(known.document.page_count, known.page_indices) if known else None
        replaces = entry is not None and known is None
        return cls(document, metadata, file, missing, replaces, overwrites=replaces and same is not None)

    @property
    def job(self) -> ReadJob:
        """The pages to read of its file."""
        return ReadJob(self.file, self.missing, self.document.path, state_of(self.document))

    def indexed(self, action: str | None = None) -> Indexed:
        """Report that the document is stored."""
        usual = "replaced" if self.replaces else "added" if self.missing is None else "completed"
        return Indexed(self.document.path, self.pages, self.vectors, action or usual)
