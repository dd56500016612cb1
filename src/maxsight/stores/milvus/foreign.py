"""Another program's collection of vectors, in the form of layout ``rows``: searched and read, never written.

Tutorials on late interaction make it, with ``pk``, ``vector``, ``seq_id`` (from 0), ``doc_id`` and ``doc``. It has no
pages' rows: ``foreign_pages`` derives the pages. It does not name the encoder of its vectors, so the user has to.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maxsight.errors import InputError, LibraryDamagedError
from maxsight.stores.audit import Audit
from maxsight.stores.base import DocumentEntry, IndexedPage
from maxsight.stores.conditions import Filter
from maxsight.stores.fields import FieldType
from maxsight.stores.manifest import Manifest
from maxsight.stores.milvus import token_search
from maxsight.stores.milvus.batches import cut_batches
from maxsight.stores.milvus.connection import MAX_WINDOW, REQUEST_BYTES, Connection
from maxsight.stores.milvus.expressions import match_values
from maxsight.stores.milvus.foreign_pages import (
    join_vectors,
    list_foreign_documents,
    list_pages,
    to_foreign_page,
)
from maxsight.stores.page_rows import Row
from maxsight.stores.ragged import PageVectors
from maxsight.stores.rounding import check_queries
from maxsight.types import MAX_VECTORS_PER_PAGE, EmbeddingSpace, Floats

COLUMNS = frozenset({"vector", "seq_id", "doc_id", "doc"})
UNKNOWN = "precomputed"
"""The encoder of vectors that came without one. A user who names another encoder vouches for it."""

PAGES_PER_REQUEST = 64


def is_foreign_rows(description: Mapping[str, Any]) -> bool:
    """Check that a collection has the form that can be searched."""
    return {field["name"] for field in description.get("fields", [])} >= COLUMNS


class ForeignRows:
    """Another program's collection, as a store that is searched and read."""

    def __init__(self, connection: Connection, description: Mapping[str, Any]) -> None:
        """Use a collection that is loaded, given the server's description of it."""
        fields = {field["name"]: field for field in description["fields"]}
        self._connection = connection
        self._collection: str = description["collection_name"]
        self._dim = int(fields["vector"]["params"]["dim"])
        self._key = next(field["name"] for field in description["fields"] if field.get("is_primary"))
        self._numbered = not fields["doc_id"]["params"].get("max_length")
        self._listing: tuple[int, dict[str, Row]] | None = None

    @property
    def description(self) -> str:
        """The server and the layout, for people."""
        return f"{self._connection.capabilities}, layout rows, made by another program: read-only"

    @property
    def manifest(self) -> Manifest:
        """The few settings that follow from the vectors; all others are unknown."""
        return Manifest(EmbeddingSpace(UNKNOWN, UNKNOWN, self._dim, "vectors"), dpi=200, ocr="none")

    @property
    def version(self) -> int:
        """The number of vectors: the only sign of a change."""
        (found,) = self._query("", ["count(*)"])
        return int(found["count(*)"])

    def page_count(self) -> int:
        """Count the pages."""
        return len(self._pages())

    def fields(self) -> dict[str, FieldType]:
        """Return no fields: the collection has none."""
        return {}

    def last_audit(self) -> Audit | None:
        """Return None: the collection has no place for an audit."""
        return None

    def documents(self) -> list[DocumentEntry]:
        """List all documents, by path."""
        doc_ids = (
            str(row["doc_id"])
            for row in self._connection.iterate(self._collection, "seq_id >= 0", ["doc_id"])
        )
        return list_foreign_documents(self._pages().values(), doc_ids)

    def vectors(
        self, *, where: Filter | None = None, page_ids: Sequence[str] | None = None
    ) -> Iterator[PageVectors]:
        """Read vectors, some pages at a time: of the pages a filter keeps, or of the named ones."""
        pages = self._kept(where) if page_ids is None else self._named(dict.fromkeys(page_ids))
        for some in cut_batches(pages, PAGES_PER_REQUEST):
            if found := self._fetch(some):
                yield self._packed(found)

    def read(self, page_ids: Sequence[str]) -> list[IndexedPage]:
        """Read whole pages, in the order asked for; unknown ids are left out."""
        return [
            to_foreign_page(page, *found[page["page_id"]])
            for some in cut_batches(self._named(page_ids), PAGES_PER_REQUEST)
            for found in [self._fetch(some)]
            for page in some
            if page["page_id"] in found
        ]

    def nearest(
        self,
        queries: Sequence[Floats],
        limit: int,
        *,
        where: Filter | None = None,
        candidates: int | None = None,
    ) -> list[PageVectors]:
        """Find, for each query, the pages with the best estimated scores, with their vectors."""
        check_queries(queries, self._dim)
        kept = self._kept(where)
        numbers = {page["doc_id"]: number for number, page in enumerate(kept)}

        def pages_of(token: Any) -> NDArray[np.int64]:  # -1: not listed yet
            return np.array([numbers.get(str(hit["entity"]["doc_id"]), -1) for hit in token], np.int64)

        ranked = token_search.rank_pages(
            self._connection,
            self._collection,
            queries,
            min(max(token_search.choose_hits(len(kept), candidates), limit), MAX_WINDOW),
            pages_of,
            expression="" if where is None else self._rows_of(kept),
            consistency="Strong",
            columns=["doc_id"],
        )
        return [
            self._packed(self._fetch([kept[number] for number in pages.tolist() if number >= 0][:limit]))
            for pages in ranked
        ]

    def search_text(self, query: str, limit: int, *, where: Filter | None = None) -> list[str]:
        """Refuse to search text.

        Raises:
            InputError: Always: the collection has no text to rank.
        """
        raise InputError(f"{self._connection.address} holds no text, so there is no hybrid search")

    def close(self) -> None:
        """Disconnect from the server."""
        self._connection.close()

    def _pages(self) -> dict[str, Row]:
        """Return all pages by page id. They are listed again when the number of vectors has changed."""
        version = self.version
        if self._listing is None or self._listing[0] != version:
            rows = self._connection.iterate(self._collection, "seq_id == 0", ["doc_id", "doc"])
            pages = list_pages({str(row["doc_id"]): row["doc"] for row in rows}, numbered=self._numbered)
            self._listing = (version, {page["page_id"]: page for page in pages})
        return self._listing[1]

    def _kept(self, where: Filter | None) -> list[Row]:
        return [page for page in self._pages().values() if where is None or where.matches(page)]

    def _named(self, page_ids: Iterable[str]) -> list[Row]:
        """Return pages by id, from the last listing."""
        pages = self._listing[1] if self._listing else self._pages()
        return [pages[name] for name in page_ids if name in pages]

    def _rows_of(self, pages: Sequence[Row]) -> str:
        doc_ids = [page["doc_id"] for page in pages]
        return match_values("doc_id", map(int, doc_ids) if self._numbered else doc_ids)

    def _fetch(self, pages: Sequence[Row]) -> dict[str, tuple[NDArray[np.float16], str]]:
        """Read the vectors of pages, in the order of the pages, and the ``doc`` of each."""
        if not pages:
            return {}
        limit = min(MAX_WINDOW, max(MAX_VECTORS_PER_PAGE + 1, REQUEST_BYTES // (self._dim * 4)))
        columns = [self._key, "doc_id", "seq_id", "doc", "vector"]
        rows = self._query(self._rows_of(pages), columns, limit=limit, strict_float32=True)
        if len(rows) == limit:  # perhaps there are more: the number of a page's vectors is not stored
            if len(pages) == 1:
                raise LibraryDamagedError(
                    f"page {pages[0]['doc_id']} has more than {MAX_VECTORS_PER_PAGE} vectors"
                )
            middle = len(pages) // 2
            return self._fetch(pages[:middle]) | self._fetch(pages[middle:])
        rows_of: dict[str, dict[int, Any]] = {}
        for row in rows:
            rows_of.setdefault(str(row["doc_id"]), {})[int(row["seq_id"])] = row
        return {
            page["page_id"]: join_vectors(rows_of[page["doc_id"]].values())
            for page in pages
            if page["doc_id"] in rows_of
        }

    def _query(self, expression: str, columns: list[str], **options: Any) -> list[Any]:
        found: list[Any] = self._connection.call(
            "query",
            self._collection,
            filter=expression,
            output_fields=columns,
            consistency_level="Strong",
            **options,
        )
        return found

    def _packed(self, found: Mapping[str, tuple[NDArray[np.float16], str]]) -> PageVectors:
        return PageVectors.from_arrays(list(found), [vectors for vectors, _ in found.values()], self._dim)
