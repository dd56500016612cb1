"""A library in Milvus, whatever its layout: all of the ``Store`` protocol that needs the pages' rows alone.

A layout adds how vectors are written, read, removed, and searched. A page is stored when its row is: the row is written
after its vectors and removed before them, so that what a kill leaves half done is not there.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext

import numpy as np
from numpy.typing import NDArray

from maxsight.errors import LibraryReadOnlyError
from maxsight.stores.audit import Audit
from maxsight.stores.base import DocumentEntry, IndexedPage
from maxsight.stores.conditions import Filter, path_in
from maxsight.stores.fields import FieldType, of_document, of_page, stored_value
from maxsight.stores.manifest import Manifest
from maxsight.stores.milvus.batches import batched, batched_by_size
from maxsight.stores.milvus.connection import REQUEST_BYTES, Connection
from maxsight.stores.milvus.expressions import METADATA_COLUMN
from maxsight.stores.milvus.page_columns import LISTED, WHOLE, metadata_of, to_metadata, to_page
from maxsight.stores.milvus.pages import WHOLE_ROWS, PageRows
from maxsight.stores.page_rows import Row
from maxsight.stores.ragged import PageVectors
from maxsight.stores.rounding import as_stored
from maxsight.types import Document, Floats, Scalar

PATHS_PER_FILTER = 256


class MilvusStore(ABC):
    """A library in Milvus."""

    def __init__(self, connection: Connection, pages: PageRows, *, read_only: bool = False) -> None:
        """Use ``create_milvus_store`` or ``open_milvus_store``.

        Args:
            connection: To the server; closed with the store.
            pages: The rows of its pages.
            read_only: Refuse to write.
        """
        self._connection = connection
        self._pages = pages
        self._read_only = read_only
        self._dim = pages.manifest.space.dim

    # A layout's own ---------------------------------------------------------------------------------------

    @abstractmethod
    def _write(self, pages: Sequence[IndexedPage], instead_of: Sequence[Row]) -> None:
        """Write pages, as ``as_stored`` gives them, with different ids; one that is stored already is replaced.

        Other pages go just before these are there, given the columns ``LISTED``: stopped anywhere, no document is left
        with pages of two contents, which the next run could take for complete.
        """

    @abstractmethod
    def _rewrite(self, rows: Sequence[Row]) -> None:
        """Write whole rows of stored pages again; their vectors stay."""

    @abstractmethod
    def _delete(self, rows: Sequence[Row]) -> None:
        """Remove pages, given the columns ``LISTED``."""

    @abstractmethod
    def _fetch(self, rows: Sequence[Row]) -> dict[str, NDArray[np.float16]]:
        """Read the vectors of pages, given the columns ``LISTED``, by page id. Pages that are gone are left out."""

    @abstractmethod
    def nearest(
        self,
        queries: Sequence[Floats],
        limit: int,
        *,
        where: Filter | None = None,
        candidates: int | None = None,
    ) -> list[PageVectors]:
        """Find, for each query, the pages most likely to have the best MaxSim, with their vectors."""

    @abstractmethod
    def optimize(self) -> None:
        """After writing: bring the indexes up to date."""

    @abstractmethod
    def discard(self) -> None:
        """Remove the library itself."""

    @property
    @abstractmethod
    def description(self) -> str:
        """The server and the layout, for people."""

    # What the library says of itself ----------------------------------------------------------------------

    @property
    def manifest(self) -> Manifest:
        """Format, embedding space and settings of the library."""
        return self._pages.manifest

    @property
    def version(self) -> int:
        """Another number after every change."""
        return self._pages.version

    def page_count(self) -> int:
        """How many pages are stored."""
        return self._pages.count()

    def store_manifest(self, manifest: Manifest) -> None:
        """Keep what the library says of itself anew."""
        with self.writing():
            self._pages.store_manifest(manifest)

    def last_audit(self) -> Audit | None:
        """What was last measured of the search."""
        return self._pages.last_audit()

    def store_audit(self, audit: Audit) -> None:
        """Keep what was measured, in place of what was measured before."""
        with self.writing():
            self._pages.store_audit(audit)

    def fields(self) -> dict[str, FieldType]:
        """The user's metadata fields and their types."""
        return self._pages.fields()

    # Writing ----------------------------------------------------------------------------------------------

    def writing(self) -> AbstractContextManager[None]:
        """Nothing is held: Milvus has no lock across clients. What is written names its rows, so repeating is safe.

        Raises:
            LibraryReadOnlyError: The library was opened read-only.
        """
        if self._read_only:
            raise LibraryReadOnlyError(f"{self._connection.address} is opened read-only")
        return nullcontext()

    def put(
        self,
        pages: Sequence[IndexedPage],
        *,
        replace_documents: bool = False,
        keep: Collection[str] = (),
    ) -> None:
        """Write pages; a page id that is stored already is replaced."""
        if not pages:
            return
        with self.writing():
            fields = self._pages.grow_fields([page.metadata for page in pages])
            stored = {page.page_id: as_stored(page, self._dim, fields) for page in pages}
            paths = {page.document.path for page in pages} if replace_documents else ()
            staying = stored.keys() | set(keep)
            others = [row for row in self._rows_of(paths, LISTED) if row["page_id"] not in staying]
            self._write(list(stored.values()), others)
            self._pages.changed()

    def set_metadata(self, metadata: Mapping[str, Mapping[str, Scalar]]) -> None:
        """Replace the user's fields of stored documents, by path."""
        if not metadata:
            return
        with self.writing():
            fields = self._pages.grow_fields(metadata.values())
            given = {path: _stored(row, fields) for path, row in metadata.items()}
            self._change_metadata(
                self._rows_of(metadata, WHOLE), lambda row, old: given[row["path"]] | of_page(old)
            )

    def set_page_fields(self, fields: Mapping[str, Mapping[str, Scalar]]) -> None:
        """Replace the fields of stored pages that are their own, by page id."""
        if not fields:
            return
        with self.writing():
            kinds = self._pages.grow_fields(fields.values())
            given = {page_id: _stored(row, kinds) for page_id, row in fields.items()}
            self._change_metadata(
                self._pages.rows(WHOLE, page_ids=list(fields)),
                lambda row, old: of_document(old) | given[row["page_id"]],
            )

    def _change_metadata(
        self, rows: Iterable[Row], change: Callable[[Row, dict[str, Scalar]], Mapping[str, Scalar]]
    ) -> None:
        changed = (row | {METADATA_COLUMN: to_metadata(change(row, metadata_of(row)))} for row in rows)
        for some in batched(changed, WHOLE_ROWS):
            self._rewrite(some)
        self._pages.changed()

    def touch(self, documents: Sequence[Document]) -> None:
        """Note a new size and time of documents whose content has not changed."""
        if not documents:
            return
        with self.writing():
            given = {(document.path, document.content_hash): document for document in documents}
            rows = self._rows_of({document.path for document in documents}, WHOLE)
            changed = (
                row | {"size_bytes": document.size_bytes, "modified_ns": document.modified_ns}
                for row in rows
                if (document := given.get((row["path"], row["content_hash"]))) is not None
            )
            for some in batched(changed, WHOLE_ROWS):
                self._rewrite(some)
            self._pages.changed()

    def remove(self, paths: Collection[str]) -> int:
        """Remove documents by path and return how many pages went."""
        if not paths:
            return 0
        with self.writing():
            rows = list(self._rows_of(paths, LISTED))
            self._delete(rows)
            self._pages.changed()
        return len(rows)

    def _rows_of(self, paths: Collection[str], columns: Sequence[str]) -> Iterator[Row]:
        for some in batched(sorted(paths), PATHS_PER_FILTER):
            yield from self._pages.rows(columns, where=path_in(some))

    # Reading ----------------------------------------------------------------------------------------------

    def documents(self) -> list[DocumentEntry]:
        """List all documents, by path."""
        return self._pages.documents()

    def vectors(
        self, *, where: Filter | None = None, page_ids: Sequence[str] | None = None
    ) -> Iterator[PageVectors]:
        """Read vectors, some pages at a time: of the pages a filter keeps, or of the named ones."""
        rows = self._pages.select(LISTED, where=where, page_ids=page_ids)
        for some in batched_by_size(rows, self._vector_bytes, REQUEST_BYTES):
            yield self._packed(self._fetch(some))

    def search_text(self, query: str, limit: int, *, where: Filter | None = None) -> list[str]:
        """Name the pages whose text matches ``query`` best by BM25, best first."""
        return self._pages.search_text(query, limit, where)

    def read(self, page_ids: Sequence[str]) -> list[IndexedPage]:
        """Read whole pages, in the order asked for; unknown ids are left out."""
        rows = {row["page_id"]: row for row in self._pages.rows(WHOLE, page_ids=page_ids)}
        vectors = self._fetch(list(rows.values()))
        pages = {name: to_page(row, vectors[name]) for name, row in rows.items() if name in vectors}
        return [pages[page_id] for page_id in page_ids if page_id in pages]

    def close(self) -> None:
        """Release what is held."""
        self._connection.close()

    def _packed(self, vectors: Mapping[str, NDArray[np.float16]]) -> PageVectors:
        return PageVectors.from_arrays(list(vectors), list(vectors.values()), self._dim)

    def _vector_bytes(self, row: Row) -> int:
        return int(row["vector_count"]) * self._dim * 4


def _stored(row: Mapping[str, Scalar], fields: Mapping[str, FieldType]) -> dict[str, Scalar]:
    return {name: stored_value(value, fields[name]) for name, value in row.items()}
