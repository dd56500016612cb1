"""Search in a collection that has one row a vector: the index finds vectors, and their similarities rank pages.

The index finds the best vectors of each query token. The estimated score of a page is the sum over the tokens of its
best vector among these hits. If a token has no hit on a page, its last hit counts instead, which is an upper bound.

A server searches rows that it has not indexed yet by an interim index that looks at an eighth of them, and no
parameter of a search changes that. So ``Ranking.missed`` measures, on pages whose vectors are here, how many hits the
server left out. If these are too many, ``search_closely`` asks for every vector above a bound. For that a server looks
at all rows that it has not indexed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maxsight.stores.milvus.batches import cut_batches
from maxsight.stores.milvus.connection import MAX_WINDOW, Connection
from maxsight.stores.milvus.metrics import Metric
from maxsight.stores.milvus.vector_index import VectorIndex
from maxsight.types import Floats

MIN_HITS, MAX_HITS, HITS_PER_PAGE = 1024, 4096, 4
"""Hits of each query token: a few for each page of the library, within bounds."""

HITS_PER_CANDIDATE = 16
MAX_HITS_PER_REQUEST = 1 << 18
CLOSER = 2
"""How many times as many vectors are compared when a server is asked again."""

TOKENS_PER_BOUND = 5
"""Query tokens that share a bound: a request has one."""

MAX_MISSED = 0.05
"""The share of hits that a server may leave out before it is asked again."""

TOLERANCE, TOLERANCE_OF_CODES = 1e-3, 0.05
"""Of a similarity: the server computes in another order or on vectors of more bits, or on codes."""


TokenHits = tuple[NDArray[np.int64], NDArray[np.float32]]
"""The page of each hit of a query token, as a number, and its similarity."""

_NO_HITS: TokenHits = (np.empty(0, np.int64), np.empty(0, np.float32))


@dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """The pages that the hits of a query's tokens are on.

    Attributes:
        pages: As numbers, ascending. Shape ``(pages,)``.
        best: The best hit of each token on each page; ``-inf`` if it has none. Shape ``(query_tokens, pages)``.
        floors: The last hit of each token: a better vector should be a hit. Shape ``(query_tokens,)``.
        tolerance: Of a similarity.
    """

    pages: NDArray[np.int64]
    best: NDArray[np.float32]
    floors: NDArray[np.float32]
    tolerance: float = TOLERANCE

    @classmethod
    def of(cls, tokens: Sequence[TokenHits], tolerance: float = TOLERANCE) -> Ranking:
        """Sort the hits of each token, given by their pages and similarities, by page."""
        pages = np.unique(np.concatenate([found for found, _ in tokens]))
        best = np.full((len(tokens), len(pages)), -np.inf, np.float32)
        for row, (found, similarities) in zip(best, tokens, strict=True):
            np.maximum.at(row, np.searchsorted(pages, found), similarities)
        floors = [similarities.min() if len(similarities) else 0 for _, similarities in tokens]
        return cls(pages, best, np.array(floors, np.float32), tolerance)

    @property
    def scores(self) -> NDArray[np.float32]:
        """The estimated MaxSim of each page: an upper bound. Shape ``(pages,)``."""
        total: NDArray[np.float32] = np.where(np.isneginf(self.best), self.floors[:, None], self.best).sum(0)
        return total

    @property
    def best_first(self) -> NDArray[np.int64]:
        """The pages, by estimated score."""
        return self.pages[np.argsort(-self.scores, kind="stable")]

    def missed(self, pages: NDArray[np.int64], exact: NDArray[np.float32]) -> float:
        """Measure the share of the best vectors of pages that should have been hits and were not.

        Args:
            pages: As numbers, each with a hit. Shape ``(pages,)``.
            exact: The similarity of each token to its best vector on each page. Shape ``(query_tokens, pages)``.
        """
        found = self.best[:, np.searchsorted(self.pages, pages)]
        expected = exact > self.floors[:, None] + self.tolerance
        return float((expected & (found < exact - self.tolerance)).sum() / max(1, expected.sum()))


def choose_hits(pages: int, candidates: int | None) -> int:
    """Choose how many hits each query token gets among so many pages."""
    if candidates is not None:
        return min(HITS_PER_CANDIDATE * candidates, MAX_WINDOW)
    return min(max(MIN_HITS, HITS_PER_PAGE * pages), MAX_HITS)


@dataclass(frozen=True, slots=True)
class TokenSearch:
    """A collection with one row a vector, and how it is searched.

    Attributes:
        connection: The connection to the server.
        collection: The name of the collection.
        field: The name of its vectors.
        index: Their index.
        to_pages: Returns the pages, as numbers, of one token's hits, which are as pymilvus returns them.
        columns: Columns that ``to_pages`` needs.
        to_data: Converts query vectors to what the client sends.
    """

    connection: Connection
    collection: str
    field: str
    index: VectorIndex
    to_pages: Callable[[Any], NDArray[np.int64]]
    columns: tuple[str, ...] = ()
    to_data: Callable[[Floats], Any] = lambda vectors: vectors

    @property
    def metric(self) -> Metric:
        """How vectors are compared."""
        return Metric.read(self.index.metric, self.collection)

    @property
    def _tolerance(self) -> float:
        return TOLERANCE_OF_CODES if self.index.quantised else TOLERANCE

    def rank(
        self, queries: Sequence[Floats], hits: int, expressions: Sequence[str], consistency: str
    ) -> list[Ranking]:
        """Rank, for each query, the pages of its hits.

        Args:
            queries: Shape ``(query_tokens, dim)`` each.
            hits: How many hits each token gets.
            expressions: Only vectors that one of these keeps. Each is a request of its own.
            consistency: Milvus' consistency level.
        """
        found = self._search(
            np.concatenate(queries), hits, expressions, consistency, self.index.search_params(hits)
        )
        ends = np.cumsum([len(query) for query in queries]).tolist()
        return [
            Ranking.of(found[end - len(query) : end], self._tolerance)
            for query, end in zip(queries, ends, strict=True)
        ]

    def rank_closely(
        self, query: Floats, ranking: Ranking, hits: int, expressions: Sequence[str], consistency: str
    ) -> Ranking:
        """Rank the pages of a query again, by every vector that is better than the worst hit so far."""
        found: list[TokenHits] = [_NO_HITS] * len(query)
        by_floor = np.argsort(ranking.floors)
        for first in range(0, len(query), TOKENS_PER_BOUND):
            tokens = by_floor[first : first + TOKENS_PER_BOUND]
            bound = self.metric.to_distance(float(ranking.floors[tokens[0]]) - self._tolerance)
            params = {**self.index.search_params(CLOSER * hits), "radius": bound}
            answers = self._search(query[tokens], hits, expressions, consistency, params)
            for token, answer in zip(tokens.tolist(), answers, strict=True):
                found[token] = answer
        return Ranking.of(found, self._tolerance)

    def _search(
        self,
        vectors: Floats,
        hits: int,
        expressions: Sequence[str],
        consistency: str,
        params: Mapping[str, Any],
    ) -> list[TokenHits]:
        """Find the hits of each query vector."""
        found = [_NO_HITS] * len(vectors)
        for expression in expressions:
            start = 0
            for some in cut_batches(vectors.astype(np.float32), max(1, MAX_HITS_PER_REQUEST // hits)):
                answer = self.connection.call(
                    "search",
                    self.collection,
                    data=self.to_data(np.stack(some)),
                    anns_field=self.field,
                    limit=hits,
                    filter=expression,
                    output_fields=list(self.columns),
                    search_params={"metric_type": str(self.metric), "params": dict(params)},
                    consistency_level=consistency,
                )
                for position, token in enumerate(answer, start):
                    similarities = self.metric.to_similarity(np.array(token.distances, np.float32))
                    found[position] = _best(found[position], (self.to_pages(token), similarities), hits)
                start += len(some)
        return found


def _best(first: TokenHits, second: TokenHits, hits: int) -> TokenHits:
    """Return the best hits of two answers."""
    pages = np.concatenate([first[0], second[0]])
    similarities = np.concatenate([first[1], second[1]])
    best = np.argsort(-similarities, kind="stable")[:hits]
    return pages[best], similarities[best]
