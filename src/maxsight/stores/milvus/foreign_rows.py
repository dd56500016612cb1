"""Another program's collection with one row a vector, in the form of layout ``rows``.

Tutorials on late interaction make it, with ``pk``, ``vector``, ``seq_id`` (from 0 or 1), ``doc_id`` and ``doc``. It has
no pages' rows. Rows that were inserted twice count once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maxsight.errors import LibraryDamagedError
from maxsight.stores.conditions import Filter
from maxsight.stores.milvus import token_search
from maxsight.stores.milvus.connection import MAX_WINDOW, REQUEST_BYTES, Connection
from maxsight.stores.milvus.expressions import match_values
from maxsight.stores.milvus.foreign import ForeignStore
from maxsight.stores.milvus.foreign_form import ForeignForm
from maxsight.stores.milvus.foreign_pages import KEY, NAME, ForeignPage, list_pages
from maxsight.stores.milvus.row_search import RowSearch
from maxsight.stores.milvus.token_search import TokenSearch
from maxsight.stores.milvus.wire_vectors import read_vectors, to_data
from maxsight.stores.page_rows import Row
from maxsight.stores.ragged import PageVectors
from maxsight.stores.rounding import check_queries
from maxsight.types import MAX_VECTORS_PER_PAGE, Scalar

FIRST_ROWS = "seq_id in [0, 1]"


class ForeignRows(ForeignStore):
    """A collection with one row a vector."""

    def __init__(self, connection: Connection, form: ForeignForm) -> None:
        """Use a collection that is loaded, given its form."""
        super().__init__(connection, form)
        self._warned = False

    @property
    def _named_by(self) -> str:
        return "doc_id"

    def _list(self) -> list[Row]:
        found = self._connection.iterate(self._form.collection, FIRST_ROWS, ["doc_id", "doc", "seq_id"])
        docs: dict[Scalar, str] = {}
        for row in sorted(found, key=lambda row: int(row["seq_id"])):
            docs[row["doc_id"]] = docs.get(row["doc_id"]) or row["doc"]
        return list_pages([{KEY: name, NAME: doc} for name, doc in docs.items()])

    def _count_vectors(self) -> Mapping[Scalar, int]:
        rows = self._connection.iterate(self._form.collection, "seq_id >= 0", ["doc_id", "seq_id"])
        return Counter(doc_id for doc_id, _ in {(row["doc_id"], row["seq_id"]) for row in rows})

    def nearest(
        self,
        queries: Sequence[NDArray[Any]],
        limit: int,
        *,
        where: Filter | None = None,
        candidates: int | None = None,
    ) -> list[PageVectors]:
        """Find, for each query, the pages with the best estimated scores, with their vectors."""
        check_queries(queries, self._dim)
        numbers, selection = self._select(where)
        if not queries or not selection.count:
            return [self._packed([], {}) for _ in queries]

        def to_pages(token: Any) -> NDArray[np.int64]:  # -1: not selected, or not listed yet
            return np.array([numbers.get(hit["entity"]["doc_id"], -1) for hit in token], np.int64)

        vectors = self._form.vectors
        search = TokenSearch(
            self._connection,
            self._form.collection,
            vectors.name,
            self._form.index,
            to_pages,
            ("doc_id",),
            lambda tokens: to_data(tokens, vectors.kind),
        )
        finder = RowSearch(search, self._fetch_vectors, str(self._connection.address), self._warned)
        hits = token_search.choose_hits(selection.count, candidates)
        found, pages = finder.nearest(queries, max(hits, limit), limit, selection, "Strong")
        self._warned = finder.warned
        return [self._packed([row["page_id"] for row in rows], pages) for rows in found]

    def _fetch(self, pages: Sequence[Row]) -> dict[str, ForeignPage]:
        if not pages:
            return {}
        limit = min(MAX_WINDOW, max(MAX_VECTORS_PER_PAGE + 1, REQUEST_BYTES // (self._dim * 4)))
        columns = ["doc_id", "seq_id", "doc", self._form.vectors.name]
        found = self._query(match_values("doc_id", [page[KEY] for page in pages]), columns, limit=limit)
        if len(found) == limit:  # perhaps there are more: the number of a page's vectors is not stored
            if len(pages) == 1:
                raise LibraryDamagedError(
                    f"page {pages[0][KEY]} has more than {MAX_VECTORS_PER_PAGE} vectors"
                )
            middle = len(pages) // 2
            return self._fetch(pages[:middle]) | self._fetch(pages[middle:])
        if not len(found):
            return {}
        # The answer's own column: pymilvus takes 100 times as long to make a row of each vector.
        (column,) = found._lazy_field_data
        vectors = self._metric.to_scored(read_vectors(column.vectors, self._dim)).astype(np.float16)
        rows_of: dict[Scalar, dict[int, tuple[int, str]]] = {}
        for position, row in enumerate(list.__iter__(found)):
            rows_of.setdefault(row["doc_id"], {})[int(row["seq_id"])] = (position, row["doc"])
        fetched = {}
        for page in pages:
            if rows := rows_of.get(page[KEY]):
                ordered = [rows[number] for number in sorted(rows)]
                text = next((doc for _, doc in ordered if doc), "")
                fetched[page["page_id"]] = ForeignPage(
                    vectors[[position for position, _ in ordered]], (text,)
                )
        return fetched
