"""A library in Milvus: the part that both layouts share, which needs only the pages' rows.

A layout adds how vectors are written, read, removed and searched. A page is stored if its row is: the row is written
after the vectors and removed before them. So searches never find a half-written page. The old pages of a
replaced document are removed after its new ones are written, so a search always finds it.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from maxsight.stores.base import DocumentEntry, IndexedPage
from maxsight.stores.conditions import Filter, match_paths
from maxsight.stores.fields import of_document, of_page, stored_value
from maxsight.stores.milvus.batches import cut_batches
from maxsight.stores.milvus.connection import REQUEST_BYTES, Connection
from maxsight.stores.milvus.expressions import METADATA_COLUMN
from maxsight.stores.milvus.page_columns import LISTED, WHOLE, read_metadata, to_metadata, to_page
from maxsight.stores.milvus.pages import WHOLE_ROWS, PageRows
from maxsight.stores.milvus.properties import LibraryProperties
from maxsight.stores.page_rows import Row, list_documents
from maxsight.stores.ragged import PageVectors
from maxsight.stores.rounding import as_stored
from maxsight.types import Document, Floats, Scalar

PATHS_PER_FILTER = 256
POLL_S, STALLED_S = 0.5, 600.0
"""How often to ask for the state of an index, and how long to wait while it does not change."""


class MilvusStore(LibraryProperties, ABC):
    """A library in Milvus."""

    def __init__(self, connection: Connection, pages: str, *others: str, read_only: bool) -> None:
        """Use ``create_milvus_store`` or ``open_milvus_store`` instead.

        Args:
            connection: The connection to the server; it is closed with the store.
            pages: The collection that has the pages.
            others: The library's other collections.
            read_only: Refuse to write.
        """
        super().__init__(connection, pages, read_only=read_only)
        self._pages = PageRows(connection, self, pages, *others)
        self._dim = self.manifest.space.dim

    # For each layout --------------------------------------------------------------------------------------

    @property
    @abstractmethod
    def description(self) -> str:
        """The server and the layout, for people."""

    @property
    @abstractmethod
    def _vectors(self) -> tuple[str, str]:
        """The collection that has the vectors, and their field there."""

    @abstractmethod
    def _write(self, pages: Sequence[IndexedPage]) -> None:
        """Write pages with different ids, as ``as_stored`` returns them, each in place of a stored page of its id."""

    @abstractmethod
    def _rewrite(self, rows: Sequence[Row]) -> None:
        """Write whole rows of stored pages again. Their vectors stay."""

    @abstractmethod
    def _delete(self, rows: Sequence[Row]) -> None:
        """Remove pages, given by the columns ``LISTED``."""

    @abstractmethod
    def _fetch(self, rows: Sequence[Row]) -> dict[str, NDArray[np.float16]]:
        """Read the vectors of pages, given by the columns ``LISTED``. The result has no pages that were removed."""

    @abstractmethod
    def nearest(
        self,
        queries: Sequence[Floats],
        limit: int,
        *,
        where: Filter | None = None,
        candidates: int | None = None,
    ) -> list[PageVectors]:
        """Find, for each query, the pages that probably have the best MaxSim, with their vectors."""

    # Writing ----------------------------------------------------------------------------------------------

    def put(
        self,
        pages: Sequence[IndexedPage],
        *,
        replace_documents: bool = False,
        keep: Collection[str] = (),
    ) -> None:
        """Write pages. A page replaces the stored page of its id."""
        if not pages:
            return
        with self.writing():
            fields = self._grow_fields([page.metadata for page in pages])
            stored = {page.page_id: as_stored(page, self._dim, fields) for page in pages}
            paths = {page.document.path for page in pages} if replace_documents else ()
            staying = stored.keys() | set(keep)
            self._write(list(stored.values()))
            self._delete([row for row in self._rows_of(paths, LISTED) if row["page_id"] not in staying])
            self._change()

    def set_metadata(self, metadata: Mapping[str, Mapping[str, Scalar]]) -> None:
        """Replace the user's fields of stored documents, by path."""
        self._set_fields(
            self._rows_of(metadata, WHOLE), "path", metadata, lambda old, new: {**new, **of_page(old)}
        )

    def set_page_fields(self, fields: Mapping[str, Mapping[str, Scalar]]) -> None:
        """Replace the fields that stored pages have of their own, by page id."""
        rows = self._pages.rows(WHOLE, page_ids=list(fields))
        self._set_fields(rows, "page_id", fields, lambda old, new: {**of_document(old), **new})

    def _set_fields(
        self,
        rows: Iterable[Row],
        column: str,
        given: Mapping[str, Mapping[str, Scalar]],
        merge: Callable[[Mapping[str, Scalar], Mapping[str, Scalar]], Mapping[str, Scalar]],
    ) -> None:
        """Merge the fields of rows with those given for the value in a column."""
        if not given:
            return
        with self.writing():
            kinds = self._grow_fields(given.values())
            stored = {
                key: {name: stored_value(value, kinds[name]) for name, value in fields.items()}
                for key, fields in given.items()
            }
            self._rewrite_all(
                row | {METADATA_COLUMN: to_metadata(merge(read_metadata(row), stored[row[column]]))}
                for row in rows
            )

    def touch(self, documents: Sequence[Document]) -> None:
        """Store a new size and time of documents whose content has not changed."""
        if not documents:
            return
        with self.writing():
            given = {(document.path, document.content_hash): document for document in documents}
            self._rewrite_all(
                row | {"size_bytes": document.size_bytes, "modified_ns": document.modified_ns}
                for row in self._rows_of({document.path for document in documents}, WHOLE)
                if (document := given.get((row["path"], row["content_hash"]))) is not None
            )

    def _rewrite_all(self, rows: Iterable[Row]) -> None:
        for some in cut_batches(rows, WHOLE_ROWS):
            self._rewrite(some)
        self._change()

    def remove(self, paths: Collection[str]) -> int:
        """Remove documents by path and return how many pages were removed."""
        if not paths:
            return 0
        with self.writing():
            rows = list(self._rows_of(paths, LISTED))
            self._delete(rows)
            self._change()
        return len(rows)

    def _rows_of(self, paths: Collection[str], columns: Sequence[str]) -> Iterator[Row]:
        for some in cut_batches(sorted(paths), PATHS_PER_FILTER):
            yield from self._pages.rows(columns, where=match_paths(some))

    def optimize(self) -> None:
        """Flush what was written, so that the server indexes it. Searches find all of it before that, too."""
        for collection in self._pages.collections:
            self._connection.call("flush", collection)

    def building(self) -> Iterator[float]:
        """Yield the share of the flushed vectors that are indexed, until it is 1 or has not grown for long."""
        best, since = -1.0, time.monotonic()
        while not self._connection.capabilities.lite:
            indexes = self._connection.call("list_indexes", *self._vectors)
            index = self._connection.call("describe_index", self._vectors[0], indexes[0])
            total = int(index["total_rows"])
            share = int(index["indexed_rows"]) / total if total else 1.0
            if share > best:
                best, since = share, time.monotonic()
            yield share
            if share >= 1 or time.monotonic() - since > STALLED_S:
                return
            time.sleep(POLL_S)

    def discard(self) -> None:
        """Remove the library itself."""
        for collection in self._pages.collections:
            self._connection.call("drop_collection", collection)

    # Reading ----------------------------------------------------------------------------------------------

    def documents(self) -> list[DocumentEntry]:
        """List all documents, by path."""
        return list_documents(self._pages.rows(LISTED), read_metadata)

    def vectors(
        self, *, where: Filter | None = None, page_ids: Sequence[str] | None = None
    ) -> Iterator[PageVectors]:
        """Read vectors, some pages at a time: of the pages a filter keeps, or of the named ones."""
        rows = list(self._pages.rows(LISTED, where=where, page_ids=page_ids))
        for some in cut_batches(rows, REQUEST_BYTES, self._vector_bytes):
            vectors = self._fetch(some)
            yield self._packed(vectors, vectors)

    def page_count(self) -> int:
        """Count the stored pages."""
        return self._pages.count()

    def find_phrase(self, phrase: str, limit: int, *, where: Filter | None = None) -> list[str]:
        """Name pages whose text has a phrase to the letter."""
        return self._pages.find_phrase(phrase, limit, where)

    def read(self, page_ids: Sequence[str]) -> list[IndexedPage]:
        """Read whole pages, in the order asked for; unknown ids are left out."""
        rows = {row["page_id"]: row for row in self._pages.rows(WHOLE, page_ids=page_ids)}
        vectors = self._fetch(list(rows.values()))
        return [to_page(rows[page_id], vectors[page_id]) for page_id in page_ids if page_id in vectors]

    def close(self) -> None:
        """Disconnect from the server."""
        self._connection.close()

    def _packed(self, page_ids: Iterable[str], vectors: Mapping[str, NDArray[np.float16]]) -> PageVectors:
        """Return the vectors of the named pages, in their order; without pages that have none."""
        names = [page_id for page_id in page_ids if page_id in vectors]
        return PageVectors.from_arrays(names, [vectors[name] for name in names], self._dim)

    def _vector_bytes(self, row: Row) -> int:
        return int(row["vector_count"]) * self._dim * 4
