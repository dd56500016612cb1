"""Layout ``rows``: one row a vector, in a collection as tutorials make it, for any Milvus since 2.3 and Milvus Lite.

::

    NAME         pk, vector, seq_id, doc_id (the page), doc (the document's path, on a page's first vector)
    NAME_pages   one row a page: see ``page_columns``

A search asks the vector index for the best vectors of every query token at once, and adds up by page what they
promise; a token that has none of its best on a page counts there as its last best one, which is the most it can be. The
best pages are fetched whole, as runs of primary keys (see ``keys``), many pages in one request.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maxsight.errors import StoreError
from maxsight.stores.base import IndexedPage
from maxsight.stores.conditions import Filter
from maxsight.stores.milvus.batches import batched, batched_by_size
from maxsight.stores.milvus.connection import LARGEST_WINDOW, REQUEST_BYTES, Connection
from maxsight.stores.milvus.expressions import is_one_of
from maxsight.stores.milvus.keys import both_places, page_key, place_of, places, vector_keys, vectors_of
from maxsight.stores.milvus.page_columns import LISTED, checksum, damaged_vectors, to_columns
from maxsight.stores.milvus.pages import PageRows
from maxsight.stores.milvus.store import MilvusStore
from maxsight.stores.page_rows import Row
from maxsight.stores.ragged import PageVectors
from maxsight.stores.rounding import check_queries
from maxsight.types import Floats

FEWEST_HITS, MOST_HITS, HITS_PER_PAGE = 1024, 4096, 4
"""Vectors that the index is asked for, for every query token: a few for each page there is, within these bounds."""

HITS_PER_CANDIDATE = 16
FEWEST_FETCHED = 16
"""With that many hits a page, the 12 most promising pages held all of the exact first 10 (``benchmarks/synthetic.py``,
200 and 1,000 pages); so half as many are fetched as are asked for, and at least these."""

HITS_PER_REQUEST = 1 << 18
LEAST_EF = 200
PLACES_PER_DELETE = 256

TokenHits = tuple[NDArray[np.int64], NDArray[np.float32]]
"""The pages of one query token's hits, and their similarities."""


class RowsStore(MilvusStore):
    """A library with one row a vector."""

    def __init__(
        self,
        connection: Connection,
        pages: PageRows,
        collection: str,
        *,
        read_only: bool = False,
        reason: str = "",
    ) -> None:
        """Use ``create_milvus_store`` or ``open_milvus_store``."""
        super().__init__(connection, pages, read_only=read_only)
        self._collection = collection
        self._reason = reason

    @property
    def description(self) -> str:
        """The server, the layout, and why it is this one."""
        return f"{self._connection.capabilities}, layout rows{self._reason}"

    # Writing ----------------------------------------------------------------------------------------------

    def _write(self, pages: Sequence[IndexedPage], instead_of: Sequence[Row]) -> None:
        former = {
            row["page_id"]: row for row in self._pages.rows(LISTED, page_ids=[page.page_id for page in pages])
        }
        keys = {
            page.page_id: page_key(
                page.page_id,
                other_than=former[page.page_id]["vectors_key"] if page.page_id in former else None,
            )
            for page in pages
        }
        self._check_places(keys)
        columns = [to_columns(page, keys[page.page_id]) for page in pages]  # refuses what is too large
        for some in batched_by_size(pages, self._row_bytes, REQUEST_BYTES):
            rows = [row for page in some for row in _vector_rows(page, keys[page.page_id])]
            for part in batched_by_size(rows, lambda _: self._dim * 4 + 64, REQUEST_BYTES):
                self._connection.call("upsert", self._collection, part)
        if instead_of:
            self._delete(instead_of)
        self._pages.upsert(columns)
        self._drop_vectors(row["vectors_key"] for row in former.values())

    def _check_places(self, keys: dict[str, int]) -> None:
        """Refuse a page whose place another page holds.

        Raises:
            StoreError: One does.
        """
        wanted = {key >> 1: page_id for page_id, key in keys.items()}
        taken = [
            (row["page_id"], wanted[row["vectors_key"] >> 1])
            for row in self._pages.in_places(
                [place for key in keys.values() for place in both_places(key)], ["page_id", "vectors_key"]
            )
        ]
        taken += [(page_id, wanted[key >> 1]) for page_id, key in keys.items()]
        for holder, page_id in taken:
            if holder != page_id:
                raise StoreError(
                    f"pages {holder} and {page_id} would lie at the same place: their ids' hashes agree in 50 bits",
                    hint="Rename one of the two documents, or keep it in another library.",
                )

    def _rewrite(self, rows: Sequence[Row]) -> None:
        self._pages.upsert(rows)

    def _delete(self, rows: Sequence[Row]) -> None:
        self._pages.delete(row["page_id"] for row in rows)
        self._drop_vectors(place for row in rows for place in both_places(row["vectors_key"]))

    def _drop_vectors(self, keys: Iterable[int]) -> None:
        for some in batched(keys, PLACES_PER_DELETE):
            self._connection.call("delete", self._collection, filter=places(some))

    def _row_bytes(self, page: IndexedPage) -> int:
        return page.embedding.vectors.size * 4 + 64 * len(page.embedding.vectors)

    def optimize(self) -> None:
        """Flush what was written, so that the server seals and indexes it. Searches look at all of it meanwhile."""
        for collection in (self._collection, self._pages.collection):
            self._connection.call("flush", collection)

    def discard(self) -> None:
        """Remove the library itself."""
        for collection in (self._pages.collection, self._collection):
            self._connection.call("drop_collection", collection)

    # Reading ----------------------------------------------------------------------------------------------

    def _fetch(self, rows: Sequence[Row]) -> dict[str, NDArray[np.float16]]:
        vectors = {row["page_id"]: self._nothing for row in rows if not row["vector_count"]}
        vectors |= self._fetch_once(rows, self._pages.consistency)
        if lacking := [row["page_id"] for row in rows if row["page_id"] not in vectors]:
            # Written again or removed since the rows were read, or not to be seen yet.
            newest = self._pages.select(LISTED, page_ids=lacking)
            vectors |= self._fetch_once(newest, "Strong")
            for row in newest:
                if row["page_id"] not in vectors:
                    raise damaged_vectors(row)
        return {row["page_id"]: vectors[row["page_id"]] for row in rows if row["page_id"] in vectors}

    @property
    def _nothing(self) -> NDArray[np.float16]:
        return np.empty((0, self._dim), np.float16)

    def _fetch_once(self, rows: Sequence[Row], consistency: str) -> dict[str, NDArray[np.float16]]:
        """Read vectors in as few requests as there can be; a page that does not come as it was written is left out."""
        most = min(LARGEST_WINDOW, max(1, REQUEST_BYTES // (self._dim * 4)))
        filled = [row for row in rows if row["vector_count"]]
        found = {}
        for some in batched_by_size(filled, lambda row: int(row["vector_count"]), most):
            keys, vectors = self._query(vectors_of(some), consistency)
            for row in some:
                expected = vector_keys(row["vectors_key"], row["vector_count"])
                first = int(np.searchsorted(keys, expected[0]))
                own = slice(first, first + len(expected))
                if np.array_equal(keys[own], expected) and checksum(vectors[own]) == row["checksum"]:
                    found[row["page_id"]] = vectors[own]
        return found

    def _query(self, expression: str, consistency: str) -> tuple[NDArray[np.int64], NDArray[np.float16]]:
        """Vectors by primary key, ascending, each once. A server may hold a row twice that was written twice."""
        found = self._connection.call(
            "query",
            self._collection,
            filter=expression,
            output_fields=["pk", "vector"],
            limit=LARGEST_WINDOW,
            consistency_level=consistency,
        )
        if not found:
            return np.empty(0, np.int64), self._nothing
        # From the message's own columns: pymilvus makes a row of every vector in a hundred times the time.
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
        """Find, for each query, the pages whose best vectors promise the best MaxSim, with their vectors.

        Args:
            queries: Shape ``(query_tokens, dim)`` each.
            limit: How many pages at most, for each query.
            where: Only pages this filter keeps.
            candidates: Pages that the hits of a token should reach: each is asked for 16 times as many vectors.

        Returns:
            For each query ``limit`` pages, or half as many, which takes half the time, where the hits tell pages apart.
        """
        check_queries(queries, self._dim)
        consistency = self._pages.consistency
        available, kept = self._pages.count(), None
        if where is not None or available <= limit:
            kept = self._pages.select(LISTED, where=where)
            available = len(kept)
        if kept is not None and available <= limit:
            chosen = [[row for row in kept if row["vector_count"]]] * len(queries)
        else:
            hits = hits_per_token(available, candidates)
            if hits >= HITS_PER_PAGE * available:
                limit = min(limit, max(FEWEST_FETCHED, limit // 2))
            chosen = self._promising(queries, limit, kept, max(hits, limit), consistency)
        rows = {row["page_id"]: row for some in chosen for row in some}
        vectors = self._fetch(list(rows.values()))
        return [
            self._packed(
                {row["page_id"]: vectors[row["page_id"]] for row in some if row["page_id"] in vectors}
            )
            for some in chosen
        ]

    def _promising(
        self, queries: Sequence[Floats], limit: int, kept: list[Row] | None, hits: int, consistency: str
    ) -> list[list[Row]]:
        """The rows of the most promising pages for each query; more hits are asked for where they reach too few."""
        expression = "" if kept is None else is_one_of("doc_id", [row["page_id"] for row in kept])
        chosen: list[list[Row]] = [[] for _ in queries]
        asked = list(range(len(queries)))
        while asked:
            reached = self._search([queries[number] for number in asked], hits, expression, consistency)
            best = [keys[np.argsort(-scores, kind="stable")[: 2 * limit]] for keys, scores in reached]
            known = self._known(np.unique(np.concatenate(best)).tolist(), kept)
            for number, keys in zip(asked, best, strict=True):
                chosen[number] = [known[key] for key in keys.tolist() if key in known][:limit]
            if hits == LARGEST_WINDOW:
                break
            hits = min(4 * hits, LARGEST_WINDOW)
            asked = [number for number in asked if len(chosen[number]) < limit]
        return chosen

    def _known(self, keys: list[int], kept: list[Row] | None) -> dict[int, Row]:
        """Rows of pages by the place of their vectors. What no row points at is not stored, whatever lies there."""
        rows = self._pages.in_places(keys, LISTED) if kept is None else kept
        return {row["vectors_key"]: row for row in rows}

    def _search(
        self, queries: Sequence[Floats], hits: int, expression: str, consistency: str
    ) -> list[tuple[NDArray[np.int64], NDArray[np.float32]]]:
        """For each query, the places its tokens' best vectors lie at, and what they promise."""
        found = search_tokens(self._connection, self._collection, queries, hits, expression, consistency, [])
        return [
            promises(
                [
                    (place_of(np.array(token.ids, np.int64)), np.array(token.distances, np.float32))
                    for token in tokens
                ]
            )
            for tokens in found
        ]


def hits_per_token(pages: int, candidates: int | None) -> int:
    """How many vectors the index is asked for, for every query token."""
    if candidates is not None:
        return min(HITS_PER_CANDIDATE * candidates, LARGEST_WINDOW)
    return min(max(FEWEST_HITS, HITS_PER_PAGE * pages), MOST_HITS)


def search_tokens(
    connection: Connection,
    collection: str,
    queries: Sequence[Floats],
    hits: int,
    expression: str,
    consistency: str,
    columns: list[str],
) -> list[list[Any]]:
    """Ask the vector index for so many vectors for every token of every query: pymilvus' hits, by query and token."""
    tokens = np.concatenate(queries).astype(np.float32)
    found: list[Any] = []
    for some in batched(tokens, max(1, HITS_PER_REQUEST // hits)):
        found += connection.call(
            "search",
            collection,
            data=some,
            anns_field="vector",
            limit=hits,
            filter=expression,
            output_fields=columns,
            search_params={"metric_type": "IP", "params": {"ef": max(hits, LEAST_EF)}},
            consistency_level=consistency,
        )
    ends = np.cumsum([len(query) for query in queries]).tolist()
    return [found[end - len(query) : end] for query, end in zip(queries, ends, strict=True)]


def promises(tokens: Sequence[TokenHits]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Add up what tokens found: pages, and the most that MaxSim can be on each, as far as the hits tell.

    Args:
        tokens: For each token the pages of its hits and their similarities.
    """
    pages = np.unique(np.concatenate([found for found, _ in tokens]))
    best = np.full((len(tokens), len(pages)), -np.inf, np.float32)
    for row, (found, similarities) in zip(best, tokens, strict=True):
        np.maximum.at(row, np.searchsorted(pages, found), similarities)
        row[np.isneginf(row)] = similarities.min() if len(similarities) else 0
    return pages, best.sum(axis=0)


def _vector_rows(page: IndexedPage, key: int) -> list[dict[str, object]]:
    vectors = page.embedding.vectors.astype(np.float32)
    return [
        {
            "pk": pk,
            "vector": vector,
            "seq_id": number,
            "doc_id": page.page_id,
            "doc": "" if number else page.document.path,
        }
        for number, (pk, vector) in enumerate(
            zip(vector_keys(key, len(vectors)).tolist(), vectors, strict=True)
        )
    ]
