"""Whether searches by candidates find what scoring every page finds, on the user's own library and queries."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import numpy as np

from maxsight.errors import InputError
from maxsight.retrieval.codes import default_candidates
from maxsight.retrieval.kernels.loading import load_kernels, queries_are_binary
from maxsight.retrieval.search import (
    MIN_RESCORED,
    RESCORED_PER_HIT,
    ScoredPage,
    rank_pages,
    rank_pages_many,
)
from maxsight.stores.audit import Audit, Setting
from maxsight.stores.base import AnyStore, Searchable
from maxsight.types import QueryEmbedding

TARGET = 0.99
MAX_SCORES = 2_000_000
"""Maximum number of scores in memory while every page is scored; more queries need another scan."""
TIMED_EXACTLY = 3
ONE_SIDED_95 = 1.645
TIE = 1e-5
"""Scores that differ by less are equal: it does not matter which of two copies is found."""


def audit_search(
    store: AnyStore,
    queries: Sequence[QueryEmbedding],
    *,
    source: str,
    top_k: int = 10,
    target: float = TARGET,
    on_progress: Callable[[int, int], None] | None = None,
) -> Audit:
    """Measure recall and latency for a ladder of candidates, from few to all pages.

    Args:
        store: The store to search.
        queries: What to search for.
        source: Where the queries come from, for people.
        top_k: How many of the exact best pages should be found.
        target: The share of them that searches should find.
        on_progress: Called with steps done and steps in all.

    Raises:
        InputError: There is nothing to search or to ask, or ``top_k`` or ``target`` makes no sense.
    """
    pages = store.page_count()
    if not pages or not queries:
        raise InputError(
            f"nothing can be measured with {pages} pages and {len(queries)} queries",
            hint="Index documents with text, or give queries of your own.",
        )
    if top_k < 1:
        raise InputError(f"look for at least one page, got {top_k}")
    if not 0 < target <= 1:
        raise InputError(f"the target is a share between 0 and 1, got {target}")
    load_kernels()  # so that no setting waits for them, and all compute in the same way
    ladder = candidate_ladder(pages, top_k)
    steps = _Steps(len(queries) * (1 + len(ladder)), on_progress)
    exact = _rank_exactly(store, queries, top_k, pages, steps)
    _timed(store, queries[0], top_k, candidates=pages)  # a first read takes longer
    settings = tuple(_measure(store, queries, exact, top_k, candidates, steps) for candidates in ladder)
    timed = [_timed(store, query, top_k, exact=True)[1] for query in queries[:TIMED_EXACTLY]]
    return Audit(
        date=datetime.now(UTC).strftime("%Y-%m-%d"),
        pages=pages,
        queries=len(queries),
        source=source,
        top_k=top_k,
        target=target,
        default=default_candidates(pages, _scored_anyway(top_k)),
        exact_ms=float(np.median(timed)),
        settings=settings,
        binary_queries=queries_are_binary(),
    )


def candidate_ladder(pages: int, top_k: int) -> list[int]:
    """List the numbers to measure: powers of two from the number that is always scored, the default, all pages."""
    scored_anyway = _scored_anyway(top_k)
    powers = {2**power for power in range(pages.bit_length()) if 2**power >= scored_anyway}
    return sorted({*powers, default_candidates(pages, scored_anyway), pages})


def _scored_anyway(top_k: int) -> int:
    return max(MIN_RESCORED, RESCORED_PER_HIT * top_k)


class _Steps:
    def __init__(self, total: int, on_progress: Callable[[int, int], None] | None) -> None:
        self._done, self._total, self._tell = 0, total, on_progress

    def add(self, steps: int) -> None:
        self._done += steps
        if self._tell:
            self._tell(self._done, self._total)


def _rank_exactly(
    store: Searchable, queries: Sequence[QueryEmbedding], top_k: int, pages: int, steps: _Steps
) -> list[list[ScoredPage]]:
    """Score every page for all queries. As many queries as fit into memory share a scan."""
    together = max(1, MAX_SCORES // pages)
    ranked: list[list[ScoredPage]] = []
    for first in range(0, len(queries), together):
        some = queries[first : first + together]
        ranked += rank_pages_many(store, some, limit=top_k, exact=True)
        steps.add(len(some))
    return ranked


def _measure(
    store: Searchable,
    queries: Sequence[QueryEmbedding],
    exact: Sequence[Sequence[ScoredPage]],
    top_k: int,
    candidates: int,
    steps: _Steps,
) -> Setting:
    recalls, latencies = [], []
    for query, best in zip(queries, exact, strict=True):
        found, taken = _timed(store, query, top_k, candidates=candidates)
        recalls.append(recall(found, best))
        latencies.append(taken)
        steps.add(1)
    p50, p95 = np.percentile(latencies, [50, 95])
    return Setting(
        candidates, float(np.mean(recalls)), lower_bound(recalls), min(recalls), float(p50), float(p95)
    )


def lower_bound(recalls: Sequence[float]) -> float:
    """Compute the lower 95 % confidence bound of the mean, by the normal approximation.

    It is the mean itself if all recalls are equal: then they do not show any spread.
    """
    if len(recalls) < 2:
        return float(np.mean(recalls))
    return float(max(0, np.mean(recalls) - ONE_SIDED_95 * np.std(recalls, ddof=1) / np.sqrt(len(recalls))))


def recall(found: Sequence[ScoredPage], exact: Sequence[ScoredPage]) -> float:
    """Compute the share of the exact best pages that were found. A page with the score of the last one counts, too."""
    if not exact:
        return 1.0
    enough = exact[-1].score - TIE
    return min(1.0, sum(page.score >= enough for page in found) / len(exact))


def _timed(
    store: Searchable,
    query: QueryEmbedding,
    top_k: int,
    *,
    candidates: int | None = None,
    exact: bool = False,
) -> tuple[list[ScoredPage], float]:
    """Rank pages; return the ranking and the milliseconds it took."""
    start = time.perf_counter()
    ranked = rank_pages(store, query, limit=top_k, candidates=candidates, exact=exact)
    return ranked, (time.perf_counter() - start) * 1000
