"""Layout ``embedding-list``: one entity a page, with its vectors in an array of structs that the server ranks.

For Milvus from 2.6.4 on and Zilliz Cloud. A page is written by one upsert and found by one search. The server ranks
pages by MaxSim, with the filter. Its ranking only chooses pages: they are scored again here, as in every layout.
``patches`` converts the array.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray
from pymilvus.client.embedding_list import EmbeddingList

from maxsight.errors import InputError
from maxsight.stores.base import IndexedPage
from maxsight.stores.conditions import Filter
from maxsight.stores.milvus.batches import cut_batches
from maxsight.stores.milvus.connection import MAX_WINDOW, REQUEST_BYTES, Connection
from maxsight.stores.milvus.expressions import match_values
from maxsight.stores.milvus.keys import choose_place
from maxsight.stores.milvus.page_columns import checksum, make_damage_error, to_columns, to_page
from maxsight.stores.milvus.patches import (
    METRIC,
    PATCHES,
    VECTORS,
    check_patches,
    drop_patches,
    estimate_bytes,
    to_patches,
    to_vectors,
)
from maxsight.stores.milvus.store import MilvusStore
from maxsight.stores.page_rows import Row
from maxsight.stores.ragged import PageVectors
from maxsight.stores.rounding import check_queries
from maxsight.types import Floats

FILLED = "vector_count > 0"

RANKED_PAGES = 256
"""Pages that the server ranks by default. It compares few vectors of each query token for each page."""

VECTORS_PER_PAGE, MAX_VECTORS = 4, 32_768
"""Vectors that an HNSW index compares for each page that it ranks (servers' default: 3), and in all."""

MAX_PAGE_BYTES = 60 << 20
"""Of one entity's vectors. A server accepts 64 MiB in a request, with the other columns."""

SCORE_TOLERANCE = 1e-3
"""Of a query token's similarity: the server computes cosines, and adds them in another order."""

_log = logging.getLogger(__name__)


class EmbeddingListStore(MilvusStore):
    """A library with one entity a page."""

    _warned = False

    def __init__(self, connection: Connection, *, read_only: bool = False) -> None:
        """Use ``create_milvus_store`` or ``open_milvus_store`` instead.

        Raises:
            StoreError: The collection has no embedding lists of the library's dimension.
        """
        name = connection.address.collection
        super().__init__(connection, name, read_only=read_only)
        check_patches(connection.describe(name), self._dim, str(connection.address))

    @property
    def description(self) -> str:
        """The server and the layout, for people."""
        return (
            f"{self._connection.capabilities}, layout embedding-list: one entity a page, ranked by the server"
        )

    @property
    def _vectors(self) -> tuple[str, str]:
        return self._pages.collection, VECTORS

    # Writing ----------------------------------------------------------------------------------------------

    def _write(self, pages: Sequence[IndexedPage]) -> None:
        columns = {page.page_id: self._columns(page) for page in pages}  # refuses large values
        for some in cut_batches(pages, REQUEST_BYTES, self._sent_bytes):
            self._pages.upsert(
                [columns[page.page_id] | {PATCHES: to_patches(page.embedding)} for page in some]
            )

    def _columns(self, page: IndexedPage) -> Row:
        if (size := self._sent_bytes(page)) > MAX_PAGE_BYTES:
            raise InputError(
                f"{page.document.path}, page {page.page.page_number}: its {len(page.embedding.vectors):,} vectors take "
                f"{size:,} bytes; the limit of a request to Milvus is {MAX_PAGE_BYTES:,}",
                hint="Pool them (--pool-factor), or use layout=rows.",
            )
        return to_columns(page, choose_place(page.page_id))

    def _rewrite(self, rows: Sequence[Row]) -> None:
        """Send the vectors back, too: servers before 2.6.20 can't change a part of an entity that has structs."""
        for some in cut_batches(rows, REQUEST_BYTES, self._vector_bytes):
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

    def _sent_bytes(self, page: IndexedPage) -> int:
        return estimate_bytes(len(page.embedding.vectors), self._dim)

    # Reading ----------------------------------------------------------------------------------------------

    def _fetch(self, rows: Sequence[Row]) -> dict[str, NDArray[np.float16]]:
        fetched: dict[str, NDArray[np.float16]] = {}
        for some in cut_batches(rows, REQUEST_BYTES, self._vector_bytes):
            found = self._connection.call(
                "query",
                self._pages.collection,
                filter=match_values("page_id", [row["page_id"] for row in some]),
                output_fields=["page_id", "path", "page_number", "vector_count", "checksum", VECTORS],
                consistency_level=self._pages.choose_consistency(),
            )
            for row, vectors in zip(drop_patches(found), to_vectors(found, self._dim), strict=True):
                own = vectors[: row["vector_count"]]
                if checksum(own) != row["checksum"]:
                    raise make_damage_error(row)
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
        """Find, for each query, the pages that the server ranks best, with their vectors."""
        check_queries(queries, self._dim)
        found = self._find(queries, limit, where, candidates)
        vectors = self._fetch(list({row["page_id"]: row for rows in found for row in rows}.values()))
        answers = []
        for query, rows in zip(queries, found, strict=True):
            answers.append(self._packed([row["page_id"] for row in rows], vectors))
            self._check_ranking(query, rows, answers[-1])
        return answers

    def _find(
        self, queries: Sequence[Floats], limit: int, where: Filter | None, candidates: int | None
    ) -> list[list[Row]]:
        """Find the pages that the server ranks best, with its scores."""
        if not queries:
            return []
        ranked = min(max(limit, candidates or RANKED_PAGES), MAX_WINDOW)
        return self._pages.find(where, limit, partial(self._search, queries), start=ranked)

    def _search(
        self, queries: Sequence[Floats], expression: str, columns: list[str], limit: int
    ) -> list[list[Row]]:
        params = {"ef": min(VECTORS_PER_PAGE * limit, MAX_VECTORS)}
        answer = self._connection.call(
            "search",
            self._pages.collection,
            data=[EmbeddingList(np.ascontiguousarray(query, np.float32)) for query in queries],
            anns_field=VECTORS,
            limit=limit,
            filter=f"{FILLED} and ({expression})" if expression else FILLED,
            output_fields=list(dict.fromkeys(["vector_count", *columns])),
            search_params={
                "metric_type": METRIC,
                "params": params if self._connection.address.index == "HNSW" else {},
            },
            consistency_level=self._pages.choose_consistency(),
        )
        return [
            [{"page_id": hit.id, "score": hit.distance, **hit["entity"]} for hit in hits] for hits in answer
        ]

    def _check_ranking(self, query: Floats, found: Sequence[Row], pages: PageVectors) -> None:
        """Warn once if the server does not rank by MaxSim of the stored vectors: it may miss the best pages."""
        if self._warned or not len(pages):
            return
        scores = {row["page_id"]: row["score"] for row in found}
        first_and_last = {0, len(pages) - 1}
        difference = max(
            abs(_cosines(query, pages[page]) - scores[pages.page_ids[page]]) for page in first_and_last
        )
        if difference > SCORE_TOLERANCE * len(query):
            self._warned = True
            _log.warning(
                "%s ranks pages by scores that differ from MaxSim by up to %.3g; "
                "`maxsight audit` measures how many of the best pages are found, `--exact` finds all",
                self._connection.address,
                difference,
            )


def _cosines(query: Floats, page: Floats) -> float:
    """Compute MaxSim by cosine, as the server does: the norms of stored vectors are 1 only up to float16 rounding."""
    vectors = page.astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    tokens = query / np.linalg.norm(query, axis=1, keepdims=True)
    return float((tokens @ vectors.T).max(axis=1).sum())
