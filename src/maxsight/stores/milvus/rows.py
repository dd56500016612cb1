"""Layout ``rows``: one row a vector, in a collection as tutorials make it, for any Milvus since 2.3 and Milvus Lite.

::

    NAME         pk, vector, seq_id, doc_id (the page), doc (the document's path, on a page's first vector)
    NAME_pages   one row a page: see ``page_columns``

``token_search`` ranks pages by the hits of the vector index. The best pages are then read whole, as runs of primary
keys (see ``keys``), many pages in one request.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maxsight.errors import LibraryDamagedError, StoreError
from maxsight.stores.base import IndexedPage
from maxsight.stores.conditions import Filter
from maxsight.stores.milvus import token_search
from maxsight.stores.milvus.batches import cut_batches
from maxsight.stores.milvus.connection import MAX_WINDOW, REQUEST_BYTES, Connection
from maxsight.stores.milvus.keys import (
    choose_place,
    list_places,
    make_vector_keys,
    match_places,
    match_vectors,
    to_places,
)
from maxsight.stores.milvus.page_columns import LISTED, checksum, make_damage_error, to_columns
from maxsight.stores.milvus.row_search import MAX_NAMED, RowSearch, Selection, name_selection
from maxsight.stores.milvus.store import MilvusStore
from maxsight.stores.milvus.token_search import TokenSearch
from maxsight.stores.milvus.vector_index import VectorIndex
from maxsight.stores.page_rows import Row
from maxsight.stores.ragged import PageVectors
from maxsight.stores.rounding import check_queries
from maxsight.types import Floats

PAGES_SUFFIX = "_pages"
LITE_REASON = ": for trying things out, as a search looks at every row (100,000 rows: 12 s of CPU time)"

MIN_FETCHED = 16
"""Minimum number of pages to fetch when the hits allow fetching half of ``limit``. The first 12 pages by estimated
score then held all of the exact first 10 (``benchmarks/synthetic.py``, 200 and 1,000 pages)."""

ROW_BYTES = 64
"""Bytes of a row in a request, without its vector."""

PLACES_PER_DELETE = 256


class RowsStore(MilvusStore):
    """A library with one row a vector."""

    def __init__(self, connection: Connection, *, read_only: bool = False) -> None:
        """Use ``create_milvus_store`` or ``open_milvus_store`` instead."""
        self._vector_collection = connection.address.collection
        super().__init__(
            connection, self._vector_collection + PAGES_SUFFIX, self._vector_collection, read_only=read_only
        )
        search = TokenSearch(connection, self._vector_collection, "vector", self._read_index(), _places_of)
        self._search = RowSearch(search, self._fetch, str(connection.address))

    @property
    def description(self) -> str:
        """The server, the layout, and the reason for it."""
        capabilities = self._connection.capabilities
        unable = "" if capabilities.embedding_lists else " (embedding lists need Milvus 2.6.4)"
        return f"{capabilities}, layout rows{LITE_REASON if capabilities.lite else unable}"

    @property
    def _vectors(self) -> tuple[str, str]:
        return self._vector_collection, "vector"

    def _read_index(self) -> VectorIndex:
        index = VectorIndex.read(self._connection, *self._vectors)
        if index is None:
            raise LibraryDamagedError(
                f"{self._connection.address}: the index of the vectors is gone",
                hint="Create one on the field `vector`, metric IP, or copy the documents into a new library.",
            )
        return index

    # Writing ----------------------------------------------------------------------------------------------

    def _write(self, pages: Sequence[IndexedPage]) -> None:
        former = {
            row["page_id"]: row["vectors_key"]
            for row in self._pages.rows(LISTED, page_ids=[page.page_id for page in pages])
        }
        places = {
            page.page_id: choose_place(page.page_id, other_than=former.get(page.page_id)) for page in pages
        }
        self._check_places(places)
        columns = [to_columns(page, places[page.page_id]) for page in pages]  # refuses large values
        row_bytes = self._dim * 4 + ROW_BYTES
        rows = (row for page in pages for row in _vector_rows(page, places[page.page_id]))
        for some in cut_batches(rows, max(1, REQUEST_BYTES // row_bytes)):
            self._connection.call("upsert", self._vector_collection, some)
        self._pages.upsert(columns)
        self._drop_vectors(former.values())

    def _check_places(self, places: dict[str, int]) -> None:
        """Refuse a page whose place holds another page.

        Raises:
            StoreError: It does.
        """
        wanted = {place >> 1: page_id for page_id, place in places.items()}
        both = [each for place in places.values() for each in list_places(place)]
        stored = self._pages.rows_with("vectors_key", both, ["page_id", "vectors_key"])
        taken = [(row["page_id"], row["vectors_key"]) for row in stored]
        for holder, place in [*taken, *places.items()]:
            page_id = wanted[place >> 1]
            if holder != page_id:
                raise StoreError(
                    f"pages {holder} and {page_id} would have the same place: the hashes of their ids agree in 50 bits",
                    hint="Rename one of the two documents, or store it in another library.",
                )

    def _rewrite(self, rows: Sequence[Row]) -> None:
        self._pages.upsert(rows)

    def _delete(self, rows: Sequence[Row]) -> None:
        self._pages.delete(row["page_id"] for row in rows)
        self._drop_vectors(place for row in rows for place in list_places(row["vectors_key"]))

    def _drop_vectors(self, places: Iterable[int]) -> None:
        for some in cut_batches(places, PLACES_PER_DELETE):
            self._connection.call("delete", self._vector_collection, filter=match_places(some))

    # Reading ----------------------------------------------------------------------------------------------

    def _fetch(self, rows: Sequence[Row]) -> dict[str, NDArray[np.float16]]:
        vectors = self._fetch_once(rows, self._pages.choose_consistency())
        if missing := [row["page_id"] for row in rows if row["page_id"] not in vectors]:
            # They were written again or removed after their rows were read, or the server does not return them yet.
            newest = list(self._pages.rows(LISTED, page_ids=missing))
            vectors |= self._fetch_once(newest, "Strong")
            for row in newest:
                if row["page_id"] not in vectors:
                    raise make_damage_error(row)
        return vectors

    def _fetch_once(self, rows: Sequence[Row], consistency: str) -> dict[str, NDArray[np.float16]]:
        """Read vectors in as few requests as possible. Leave out pages whose vectors differ from what was written."""
        limit = min(MAX_WINDOW, max(1, REQUEST_BYTES // (self._dim * 4)))
        found = {row["page_id"]: self._no_vectors for row in rows if not row["vector_count"]}
        filled = [row for row in rows if row["vector_count"]]
        for some in cut_batches(filled, limit, lambda row: int(row["vector_count"])):
            keys, vectors = self._query(match_vectors(some), consistency)
            for row in some:
                expected = make_vector_keys(row["vectors_key"], row["vector_count"])
                first = int(np.searchsorted(keys, expected[0]))
                own = slice(first, first + len(expected))
                if np.array_equal(keys[own], expected) and checksum(vectors[own]) == row["checksum"]:
                    found[row["page_id"]] = vectors[own]
        return found

    @property
    def _no_vectors(self) -> NDArray[np.float16]:
        return np.empty((0, self._dim), np.float16)

    def _query(self, expression: str, consistency: str) -> tuple[NDArray[np.int64], NDArray[np.float16]]:
        """Read vectors by primary key, ascending, each once: a server may store a row twice that was written twice."""
        found = self._connection.call(
            "query",
            self._vector_collection,
            filter=expression,
            output_fields=["pk", "vector"],
            limit=MAX_WINDOW,
            consistency_level=consistency,
        )
        if not found:
            return np.empty(0, np.int64), self._no_vectors
        # The answer's own columns: pymilvus takes 100 times as long to make a row of each vector.
        (column,) = found._lazy_field_data
        vectors = np.array(column.vectors.float_vector.data, np.float32).reshape(-1, self._dim)
        keys = np.fromiter((row["pk"] for row in list.__iter__(found)), np.int64, len(found))
        keys, once = np.unique(keys, return_index=True)
        return keys, vectors[once].astype(np.float16)

    def nearest(
        self,
        queries: Sequence[Floats],
        limit: int,
        *,
        where: Filter | None = None,
        candidates: int | None = None,
    ) -> list[PageVectors]:
        """Find, for each query, the pages with the best estimated scores, with their vectors.

        Where the hits are enough for every page, only half of ``limit`` is returned, which halves the time.
        """
        check_queries(queries, self._dim)
        selection = self._select(where, limit)
        if selection.count <= limit:
            every = self._pages.rows(LISTED, where=where)
            rows = [[row for row in every if row["vector_count"]]] * len(queries)
            vectors: Mapping[str, Floats] = self._fetch(rows[0] if rows else [])
        else:
            hits = token_search.choose_hits(selection.count, candidates)
            if hits >= token_search.HITS_PER_PAGE * selection.count:
                limit = min(limit, max(MIN_FETCHED, limit // 2))
            consistency = self._pages.choose_consistency()
            rows, vectors = self._search.nearest(queries, max(hits, limit), limit, selection, consistency)
        return [self._packed([row["page_id"] for row in found], vectors) for found in rows]

    def _select(self, where: Filter | None, limit: int) -> Selection:
        """Select the pages that a filter keeps."""
        pages = self._pages
        total = pages.count()

        def find(places: Sequence[int]) -> dict[int, Row]:  # vectors without a row are not stored pages
            rows = pages.rows_with("vectors_key", places, LISTED, where=where)
            return {row["vectors_key"]: row for row in rows}

        if where is None:
            return Selection(total, total, find)
        kept = pages.count_kept(where)
        many = Selection(kept, total, find, every_row=lambda: pages.rows(LISTED, where=where))
        return name_selection(many) if limit < kept <= MAX_NAMED else many


def _places_of(token: Any) -> NDArray[np.int64]:
    """Return the place of each hit of a token."""
    return to_places(np.array(token.ids, np.int64))


def _vector_rows(page: IndexedPage, place: int) -> Iterable[dict[str, object]]:
    vectors = page.embedding.vectors.astype(np.float32)
    keys = make_vector_keys(place, len(vectors)).tolist()
    for number, (key, vector) in enumerate(zip(keys, vectors, strict=True)):
        path = "" if number else page.document.path
        yield {"pk": key, "vector": vector, "seq_id": number, "doc_id": page.page_id, "doc": path}
