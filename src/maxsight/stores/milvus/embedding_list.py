"""Layout ``embedding-list``: one entity a page, its vectors in an array of structs that the server scores as a whole.

For Milvus from 2.6.4 on and Zilliz Cloud. A page is written by one upsert and found by one search: the server ranks
pages by MaxSim, with the filter. Its ranking only chooses the pages; they are scored again here, as in every layout.
``patches`` says how the vectors lie in the array.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pymilvus import MilvusClient
from pymilvus.client.embedding_list import EmbeddingList

from maxsight.errors import InputError
from maxsight.stores.base import IndexedPage
from maxsight.stores.conditions import Filter
from maxsight.stores.manifest import Manifest
from maxsight.stores.milvus.batches import batched_by_size
from maxsight.stores.milvus.collections import create_collection, described, page_indexes
from maxsight.stores.milvus.connection import LARGEST_WINDOW, REQUEST_BYTES, Connection
from maxsight.stores.milvus.expressions import is_one_of, to_milvus
from maxsight.stores.milvus.keys import page_key
from maxsight.stores.milvus.page_columns import (
    TEXT_VECTOR,
    add_page_columns,
    checksum,
    damaged_vectors,
    to_columns,
    to_page,
)
from maxsight.stores.milvus.pages import MANIFEST, PageRows
from maxsight.stores.milvus.patches import (
    PATCHES,
    VECTORS,
    add_patches,
    check_patches,
    patch_bytes,
    plain_rows,
    to_patches,
    to_vectors,
)
from maxsight.stores.milvus.store import MilvusStore
from maxsight.stores.page_rows import Row
from maxsight.stores.ragged import PageVectors
from maxsight.stores.rounding import check_queries
from maxsight.types import Floats

METRIC = "MAX_SIM_COSINE"
FILLED = "vector_count > 0"

PAGES_RANKED = 256
"""Pages the server is asked to rank, if nothing else is said: it looks at few vectors of each query token for each."""

VECTORS_PER_RANKED, MOST_VECTORS = 4, 32_768
"""What an HNSW index looks at: so many vectors for every page it ranks (servers take 3 by default), and at most."""

LARGEST_PAGE_BYTES = 60 << 20
"""Of one entity's vectors: a server takes 64 MiB in a request, with the other columns."""

SCORE_TOLERANCE = 1e-3
"""Of a query token's similarity: the server takes cosines, and sums them in another order."""

_log = logging.getLogger(__name__)


class EmbeddingListStore(MilvusStore):
    """A library with one entity a page. Use ``create`` or ``open_store``."""

    _warned = False

    @property
    def description(self) -> str:
        """The server and the layout, for people."""
        return (
            f"{self._connection.capabilities}, layout embedding-list: one entity a page, ranked by the server"
        )

    def _write(self, pages: Sequence[IndexedPage], instead_of: Sequence[Row]) -> None:
        columns = {page.page_id: self._columns(page) for page in pages}  # refuses what is too large
        self._delete(instead_of)
        for some in batched_by_size(pages, self._sent_bytes, REQUEST_BYTES):
            self._pages.upsert(
                [columns[page.page_id] | {PATCHES: to_patches(page.embedding)} for page in some]
            )

    def _columns(self, page: IndexedPage) -> Row:
        if (size := self._sent_bytes(page)) > LARGEST_PAGE_BYTES:
            raise InputError(
                f"{page.document.path}, page {page.page.page_number}: its {len(page.embedding.vectors):,} vectors take "
                f"{size:,} bytes; a request to Milvus holds {LARGEST_PAGE_BYTES:,}",
                hint="Pool them (--pool-factor), or use layout=rows.",
            )
        return to_columns(page, page_key(page.page_id))

    def _rewrite(self, rows: Sequence[Row]) -> None:
        """Servers before 2.6.20 can't change a part of an entity that has structs: its vectors are sent back."""
        for some in batched_by_size(rows, self._vector_bytes, REQUEST_BYTES):
            vectors = self._fetch(some)
            self._pages.upsert(
                [
                    row | {PATCHES: to_patches(to_page(row, vectors[row["page_id"]]).embedding)}
                    for row in some
                    if row["page_id"] in vectors
                ]
            )

    def _delete(self, rows: Sequence[Row]) -> None:
        self._pages.delete(row["page_id"] for row in rows)

    def _fetch(self, rows: Sequence[Row]) -> dict[str, NDArray[np.float16]]:
        fetched: dict[str, NDArray[np.float16]] = {}
        for some in batched_by_size(rows, self._vector_bytes, REQUEST_BYTES):
            found = self._connection.call(
                "query",
                self._pages.collection,
                filter=is_one_of("page_id", [row["page_id"] for row in some]),
                output_fields=["page_id", "path", "page_number", "vector_count", "checksum", VECTORS],
                consistency_level=self._pages.consistency,
            )
            for row, vectors in zip(plain_rows(found), to_vectors(found, self._dim), strict=True):
                own = vectors[: row["vector_count"]]
                if checksum(own) != row["checksum"]:
                    raise damaged_vectors(row)
                fetched[row["page_id"]] = own
        return fetched

    def nearest(
        self,
        queries: Sequence[Floats],
        limit: int,
        *,
        where: Filter | None = None,
        candidates: int | None = None,
    ) -> list[PageVectors]:
        """Find, for each query, the pages that the server ranks best, with their vectors.

        Args:
            queries: Shape ``(query_tokens, dim)`` each.
            limit: How many pages at most, for each query.
            where: Only pages this filter keeps.
            candidates: How many pages the server ranks; it looks at more vectors for more.
        """
        check_queries(queries, self._dim)
        found = [
            hits[:limit] for hits in self._ranked(queries, max(limit, candidates or PAGES_RANKED), where)
        ]
        rows = {hit.id: {"page_id": hit.id, **hit["entity"]} for hits in found for hit in hits}
        vectors = self._fetch(list(rows.values()))
        answers = []
        for query, hits in zip(queries, found, strict=True):
            there = [hit for hit in hits if hit.id in vectors]
            answer = self._packed({hit.id: vectors[hit.id] for hit in there})
            self._compare(query, answer, [hit.distance for hit in there])
            answers.append(answer)
        return answers

    def _ranked(self, queries: Sequence[Floats], pages: int, where: Filter | None) -> list[Any]:
        """The pages that the server ranks best for each query, best first, as pymilvus gives them."""
        if not queries:
            return []
        limit = min(pages, LARGEST_WINDOW)
        wide = {"ef": min(VECTORS_PER_RANKED * limit, MOST_VECTORS)}
        found: list[Any] = self._connection.call(
            "search",
            self._pages.collection,
            data=[EmbeddingList(np.ascontiguousarray(query, np.float32)) for query in queries],
            anns_field=VECTORS,
            limit=limit,
            filter=self._kept(where),
            output_fields=["vector_count"],
            search_params={
                "metric_type": METRIC,
                "params": wide if self._connection.address.index == "HNSW" else {},
            },
            consistency_level=self._pages.consistency,
        )
        return found

    def _kept(self, where: Filter | None) -> str:
        """The expression for the pages to search: those with vectors that the filter keeps."""
        if where is None:
            return FILLED
        expression = to_milvus(where, self._connection.capabilities.dialect)
        if not expression.exact:
            kept = self._pages.select(["page_id"], where=where)
            return f"{FILLED} and {is_one_of('page_id', [row['page_id'] for row in kept])}"
        return f"{FILLED} and ({expression.text})"

    def _compare(self, query: Floats, pages: PageVectors, scores: Sequence[float]) -> None:
        """Say once if the server does not rank by MaxSim of what is stored: it may miss the best pages then."""
        if self._warned or not len(pages):
            return
        looked_at = {0, len(pages) - 1}
        difference = max(abs(_cosines(query, pages[page]) - scores[page]) for page in looked_at)
        if difference > SCORE_TOLERANCE * len(query):
            self._warned = True
            _log.warning(
                "%s ranks pages by scores that differ from MaxSim by up to %.3g; "
                "`maxsight audit` measures how many of the best pages are found, `--exact` finds all",
                self._connection.address,
                difference,
            )

    def _sent_bytes(self, page: IndexedPage) -> int:
        return patch_bytes(len(page.embedding.vectors), self._dim)

    def optimize(self) -> None:
        """Flush what was written, so that the server seals and indexes it. Searches look at all of it meanwhile."""
        self._connection.call("flush", self._pages.collection)

    def discard(self) -> None:
        """Remove the library itself."""
        self._connection.call("drop_collection", self._pages.collection)


def create(connection: Connection, manifest: Manifest) -> EmbeddingListStore:
    """Make an empty library on a server that has embedding lists.

    Raises:
        InputError: The index that is asked for is not to be had.
        StoreError: The server did not make the collection as it was asked to.
    """
    address, can, dim = connection.address, connection.capabilities, manifest.space.dim
    if address.strategy is not None and not can.strategies:
        raise InputError(
            f"{can} has one strategy for embedding lists", hint="Leave `strategy` out; 3.0 has three."
        )
    schema = MilvusClient.create_schema(auto_id=False, enable_dynamic_field=False)
    add_page_columns(schema, can)
    add_patches(schema, dim)
    indexes = page_indexes(connection)
    indexes.add_index(TEXT_VECTOR, index_type="SPARSE_INVERTED_INDEX", metric_type="BM25")
    params: dict[str, Any] = {} if address.strategy is None else {"emb_list_strategy": address.strategy}
    if address.index == "HNSW":
        params |= {"M": address.m, "efConstruction": address.ef_construction}
    indexes.add_index(VECTORS, index_type=address.index or "AUTOINDEX", metric_type=METRIC, params=params)
    create_collection(connection, address.collection, schema, indexes, {MANIFEST: manifest.to_json()})
    return open_store(connection, read_only=False)


def open_store(connection: Connection, *, read_only: bool) -> EmbeddingListStore:
    """Open a library.

    Raises:
        StoreError: Its collection is not as ``create`` makes it.
    """
    name = connection.address.collection
    connection.call("load_collection", name)
    store = EmbeddingListStore(connection, PageRows(connection, name), read_only=read_only)
    check_patches(described(connection, name), store.manifest.space.dim, str(connection.address))
    return store


def _cosines(query: Floats, page: Floats) -> float:
    """MaxSim by cosine, as the server scores: the norms of stored vectors are 1 up to the rounding to float16."""
    vectors = page.astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    tokens = query / np.linalg.norm(query, axis=1, keepdims=True)
    return float((tokens @ vectors.T).max(axis=1).sum())
