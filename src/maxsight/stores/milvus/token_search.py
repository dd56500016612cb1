"""Search in a collection that has one row a vector: the index finds vectors, and their similarities rank pages.

The index finds the best vectors of each query token. The estimated score of a page is the sum over the tokens of its
best vector among these hits. If a token has no hit on a page, its last hit counts instead, which is an upper bound.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maxsight.stores.milvus.batches import cut_batches
from maxsight.stores.milvus.connection import MAX_WINDOW, Connection
from maxsight.types import Floats

MIN_HITS, MAX_HITS, HITS_PER_PAGE = 1024, 4096, 4
"""Hits of each query token: a few for each page of the library, within bounds."""

HITS_PER_CANDIDATE = 16
MAX_HITS_PER_REQUEST = 1 << 18
MIN_EF = 200

TokenHits = tuple[NDArray[np.int64], NDArray[np.float32]]
"""The page of each hit of a query token, as a number, and its similarity."""


def choose_hits(pages: int, candidates: int | None) -> int:
    """Choose how many hits each query token gets among so many pages."""
    if candidates is not None:
        return min(HITS_PER_CANDIDATE * candidates, MAX_WINDOW)
    return min(max(MIN_HITS, HITS_PER_PAGE * pages), MAX_HITS)


def rank_pages(
    connection: Connection,
    collection: str,
    queries: Sequence[Floats],
    hits: int,
    pages_of: Callable[[Any], NDArray[np.int64]],
    *,
    expression: str,
    consistency: str,
    columns: Sequence[str] = (),
) -> list[NDArray[np.int64]]:
    """Rank, for each query, the pages of its hits by their estimated scores.

    Args:
        connection: The connection to the server.
        collection: The collection with the vectors.
        queries: Shape ``(query_tokens, dim)`` each.
        hits: How many hits each token gets.
        pages_of: Returns the pages of one token's hits, which are as pymilvus returns them. Shape ``(hits,)``.
        expression: Only vectors that this keeps.
        consistency: Milvus' consistency level.
        columns: Columns that ``pages_of`` needs.

    Returns:
        The pages of each query, best first.
    """
    found: list[TokenHits] = []
    for some in cut_batches(np.concatenate(queries).astype(np.float32), max(1, MAX_HITS_PER_REQUEST // hits)):
        answer = connection.call(
            "search",
            collection,
            data=some,
            anns_field="vector",
            limit=hits,
            filter=expression,
            output_fields=list(columns),
            search_params={"metric_type": "IP", "params": {"ef": max(hits, MIN_EF)}},
            consistency_level=consistency,
        )
        found += [(pages_of(token), np.array(token.distances, np.float32)) for token in answer]
    ranked, start = [], 0
    for query in queries:
        pages, scores = estimate_scores(found[start : start + len(query)])
        ranked.append(pages[np.argsort(-scores, kind="stable")])
        start += len(query)
    return ranked


def estimate_scores(tokens: Sequence[TokenHits]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Estimate the MaxSim of each page from the hits of a query's tokens. It is an upper bound."""
    pages = np.unique(np.concatenate([found for found, _ in tokens]))
    best = np.full((len(tokens), len(pages)), -np.inf, np.float32)
    for row, (found, similarities) in zip(best, tokens, strict=True):
        np.maximum.at(row, np.searchsorted(pages, found), similarities)
        row[np.isneginf(row)] = similarities.min() if len(similarities) else 0
    return pages, best.sum(axis=0)
