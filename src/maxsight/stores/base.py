"""What callers need of a store, as small protocols, and the values that cross them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from maxsight.stores.audit import Audit
from maxsight.stores.conditions import Filter
from maxsight.stores.fields import FieldType
from maxsight.stores.manifest import Manifest
from maxsight.stores.ragged import CodedPage, PageCodes, PageVectors
from maxsight.stores.verification import Damage, Verification
from maxsight.types import Document, Floats, Page, PageEmbedding, Scalar, Similarity


@dataclass(frozen=True, slots=True, eq=False)
class IndexedPage:
    """One row of a library: a page, its document and its vectors.

    Attributes:
        page_id: Deterministic: the same path, content and page index always give the same id.
        document: Its document.
        page: Its text and words.
        embedding: Its vectors and their regions.
        metadata: The user's fields of the document, and the page's own fields (`fields.PAGE_FIELDS`).
    """

    page_id: str
    document: Document
    page: Page
    embedding: PageEmbedding
    metadata: Mapping[str, Scalar] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DocumentEntry:
    """One document as a listing shows it, without vectors.

    Attributes:
        document: The file as it was indexed.
        page_indices: Stored pages, ascending. Fewer than ``document.page_count`` if indexing was interrupted or a page
            could not be read.
        vectors: Number of stored vectors of all its pages.
        metadata: The user's fields.
        page_fields: Each page's own fields, in the order of ``page_indices``.
        text_sources: Where each page's words come from, as stored, in the order of ``page_indices``: ``layer``, or
            ``layer 412, tesseract 30 drawn``.
        mixed: Whether pages of another content are stored at the same path, too: the file is being replaced, or that
            was interrupted. The entry describes the complete content, or else the one with most pages.
    """

    document: Document
    page_indices: tuple[int, ...]
    vectors: int
    metadata: Mapping[str, Scalar]
    page_fields: tuple[Mapping[str, Scalar], ...] = ()
    text_sources: tuple[str, ...] = ()
    mixed: bool = False

    def __repr__(self) -> str:
        """Write on one line what it is; the fields have the rest."""
        missing = "" if self.complete else f" of {self.page_count}"
        return f"DocumentEntry({self.path!r}, pages {len(self.page_indices)}{missing})"

    @property
    def path(self) -> str:
        """The document's path in the library."""
        return self.document.path

    @property
    def file(self) -> str:
        """Its file name."""
        return self.document.file

    @property
    def page_count(self) -> int:
        """Pages in the file, whether indexed or not."""
        return self.document.page_count

    @property
    def complete(self) -> bool:
        """Whether every page of the file is stored, and none of another content."""
        return not self.mixed and len(self.page_indices) == self.document.page_count


class Codec(Protocol):
    """Makes codes of vectors, cheap enough to compare a query with every page."""

    @property
    def version(self) -> int:
        """The version of the codes; codes of different versions are not comparable."""
        ...

    def with_mean(self, mean: Floats) -> Codec:
        """Return the codec of a library whose vectors have this mean ``(dim,)``; it is subtracted before coding."""
        ...

    def encode(self, vectors: Floats) -> CodedPage:
        """Code the vectors ``(vectors, dim)`` of one page."""
        ...

    def sign_bytes(self, vector_counts: NDArray[np.int64]) -> NDArray[np.int64]:
        """Count the bytes of the pages' pooled sign codes. Shape ``(pages,)`` each."""
        ...

    def four_bit_bytes(self, vector_counts: NDArray[np.int64]) -> NDArray[np.int64]:
        """Count the bytes of the pages' 4-bit codes. Shape ``(pages,)`` each."""
        ...

    def best_pages(
        self, queries: Sequence[Floats], codes: PageCodes, limit: int, candidates: int | None
    ) -> list[NDArray[np.int64]]:
        """Find the pages with the highest MaxSim estimated from codes.

        Args:
            queries: Shape ``(query_tokens, dim)`` each.
            codes: Codes of the pages to choose from.
            limit: How many pages at most, for each query.
            candidates: How many pages to score by 4-bit codes; None for a number that finds nearly all.

        Returns:
            For each query, positions of pages with at least one vector, best first.
        """
        ...


@runtime_checkable
class Searchable(Protocol):
    """Finds pages: all that a ranking needs of a store."""

    def vectors(
        self, *, where: Filter | None = None, page_ids: Sequence[str] | None = None
    ) -> Iterator[PageVectors]:
        """Read vectors, some pages at a time: of the pages that pass a filter, or of the named ones."""
        ...

    def nearest(
        self,
        queries: Sequence[Floats],
        limit: int,
        *,
        where: Filter | None = None,
        candidates: int | None = None,
    ) -> list[PageVectors]:
        """Find, for each query, the pages with the best MaxSim by estimate, with their vectors.

        All of them are pages of one version of the library, even while others write.

        Args:
            queries: Shape ``(query_tokens, dim)`` each.
            limit: How many pages at most, for each query.
            where: Only pages that pass this filter.
            candidates: As for ``Codec.best_pages``.

        Raises:
            DimensionMismatchError: A query has vectors of another dimension.
        """
        ...

    def find_phrase(self, phrase: str, limit: int, *, where: Filter | None = None) -> list[str]:
        """Name pages whose text has a phrase to the letter (see ``phrases``), at most ``limit`` of them, in any order.

        It uses an index: unlike the filter ``text CONTAINS``, it may miss words that a hyphen parts.

        Raises:
            InputError: The store can't search text, or the phrase has no word.
        """
        ...


@runtime_checkable
class Readable(Protocol):
    """Says what it holds and gives it back."""

    @property
    def manifest(self) -> Manifest:
        """Format, embedding space and settings of the library."""
        ...

    @property
    def description(self) -> str:
        """Where the library is stored and how, for people; if the store made a choice, why."""
        ...

    @property
    def version(self) -> int:
        """Another number after every change, also by other processes."""
        ...

    def page_count(self) -> int:
        """Count the stored pages."""
        ...

    def fields(self) -> dict[str, FieldType]:
        """Return the user's metadata fields and their types, in the order they were first seen."""
        ...

    def documents(self) -> list[DocumentEntry]:
        """List all documents, by path."""
        ...

    def read(self, page_ids: Sequence[str]) -> list[IndexedPage]:
        """Read whole pages, in the order asked for; unknown ids are left out."""
        ...

    def last_audit(self) -> Audit | None:
        """Return the last audit of the search; None before the first."""
        ...


@runtime_checkable
class Writable(Protocol):
    """Stores and removes pages. When a call returns, its change survives a kill and a power cut."""

    def writing(self) -> AbstractContextManager[None]:
        """Hold the writer's lock over several calls, if the store has one. Each call is still its own commit.

        Raises:
            LibraryBusyError: Another process is writing.
            LibraryReadOnlyError: The library was opened read-only, or can't be written to.
        """
        ...

    def put(
        self,
        pages: Sequence[IndexedPage],
        *,
        replace_documents: bool = False,
        keep: Collection[str] = (),
    ) -> None:
        """Write pages in one commit; a page id that is stored already is replaced, never duplicated.

        Args:
            pages: What to write.
            replace_documents: Also drop, in the same commit, every stored page of these pages' documents
                (by path) that is neither among ``pages`` nor in ``keep``.
            keep: Page ids. A long document is replaced over several commits: plain ones with its first pages, and a
                last one with ``replace_documents`` that names the first pages here. Until then
                `DocumentEntry.mixed` holds.

        Raises:
            LibraryBusyError: Another process is writing.
            InputError: A metadata field has another type than the stored ones.
        """
        ...

    def set_metadata(self, metadata: Mapping[str, Mapping[str, Scalar]]) -> None:
        """Replace the user's fields of stored documents, by path, without touching their vectors."""
        ...

    def set_page_fields(self, fields: Mapping[str, Mapping[str, Scalar]]) -> None:
        """Replace the fields that stored pages have of their own, by page id, without touching their vectors."""
        ...

    def touch(self, documents: Sequence[Document]) -> None:
        """Store a new size and time of documents whose content has not changed, in one commit.

        Only pages of the same path and content hash are changed. Their vectors are not written again.
        """
        ...

    def remove(self, paths: Collection[str]) -> int:
        """Remove documents by path in one commit and return how many pages were removed."""
        ...

    def store_manifest(self, manifest: Manifest) -> None:
        """Replace the manifest. The vectors stay, so the new embedding space must match them."""
        ...

    def store_audit(self, audit: Audit) -> None:
        """Replace the last audit."""
        ...


@dataclass(frozen=True, slots=True)
class Written:
    """Pages that a worker wrote and nobody committed yet. It is small: names, and no pages.

    Attributes:
        fragments: Where they lie, as the store describes it.
        page_ids: Their ids.
        replaces: Documents, by path, whose other pages are dropped with the commit.
        keep: Ids of other pages that stay.
    """

    fragments: tuple[str, ...]
    page_ids: tuple[str, ...]
    replaces: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()


class PageWriter(Protocol):
    """Takes pages: a store, or a worker's writer."""

    def put(
        self,
        pages: Sequence[IndexedPage],
        *,
        replace_documents: bool = False,
        keep: Collection[str] = (),
    ) -> None:
        """Write pages; see ``Writable.put``."""
        ...


class WorkerWriter(PageWriter, Protocol):
    """Writes pages in another process. It can be pickled.

    Attributes:
        written: What it wrote.
    """

    written: list[Written]


@runtime_checkable
class Shared(Protocol):
    """Takes pages that other processes write. Only its own process commits them."""

    def worker_writer(self, metadata: Sequence[Mapping[str, Scalar]]) -> WorkerWriter | None:
        """Return what workers write with; None before the first pages, which settle the mean of all codes.

        Args:
            metadata: The fields that pages will have.
        """
        ...

    def commit(self, written: Sequence[Written]) -> None:
        """Commit what workers wrote, all at once. A second call with the same changes nothing."""
        ...


@runtime_checkable
class Persistent(Protocol):
    """Outlives the process, with indexes that are built after writing."""

    def optimize(self) -> None:
        """Bring the indexes up to date after writing, so that searches are as fast as they can be."""
        ...

    def discard(self) -> None:
        """Remove the library itself, which must hold no page. Only ``close`` may be called afterwards."""
        ...


@runtime_checkable
class Awaited(Protocol):
    """Is indexed by a server, after writing and by itself."""

    def building(self) -> Iterator[float]:
        """Yield the share of the vectors that are indexed, until it is 1 or has not grown for long."""
        ...


@runtime_checkable
class Compared(Protocol):
    """Holds vectors that another program made, perhaps not for the inner product."""

    @property
    def similarity(self) -> Similarity:
        """How queries are compared with its vectors."""
        ...


@runtime_checkable
class Maintained(Protocol):
    """Has its files on a disk of its own, which can be checked, compacted and backed up."""

    @property
    def dropped(self) -> list[Damage]:
        """Damage that was found and dropped since the store was opened; ``index`` reads those pages again."""
        ...

    def damage(self) -> list[Damage]:
        """Take a quick look at the files and list those that are missing or cut short."""
        ...

    def verify(
        self, *, repair: bool = False, on_progress: Callable[[int, int], None] | None = None
    ) -> Verification:
        """Read every page and compare it with what was written.

        Args:
            repair: Drop damaged pages, so that the next ``index`` reads them again.
            on_progress: Called with the pages read so far and their total.
        """
        ...

    def compact(self) -> None:
        """Merge fragments, drop deleted rows, and remove versions older than an hour."""
        ...

    def backup(self, destination: Path) -> None:
        """Copy the newest version to another folder, where it is a library of its own.

        Raises:
            InputError: The destination is not empty.
            StoreError: It can't be written to.
        """
        ...

    def size_bytes(self) -> int:
        """Count the bytes on the disk, old versions included."""
        ...


class AnyStore(Searchable, Readable, Protocol):
    """The least that a library needs: to search and to read.

    Ask with ``isinstance`` whether it is also ``Writable``, ``Persistent``, ``Awaited`` or ``Maintained``.
    """

    def close(self) -> None:
        """Close files and connections. Reading or writing afterwards is an error."""
        ...


class Store(AnyStore, Writable, Protocol):
    """A library's pages: searched, read and written."""
