"""Does the quick search find what scoring every page finds: on the user's own library, with the user's queries."""

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
SCORES_AT_ONCE = 2_000_000
"""Of pages for queries that are held while every page is scored; more queries than fit share another scan."""
TIMED_EXACTLY = 3
ONE_SIDED_95 = 1.645
TIE = 1e-5
"""Scores as close as this are equal: which of two copies is found does not matter."""


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
        store: What is searched.
        queries: What is asked of it.
        source: Where the queries come from, for people.
        top_k: How many of the exact best pages should be found.
        target: Which share of them is wanted.
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
    load_kernels()  # so that no setting waits for them, and all compute alike
    ladder = candidate_ladder(pages, top_k)
    steps = _Steps(len(queries) * (1 + len(ladder)), on_progress)
    exact = _rank_exactly(store, queries, top_k, pages, steps)
    _timed(store, queries[0], top_k, candidates=pages)  # what is read for the first time takes longer
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
    """Powers of two, what is taken by default, and all pages; none so small that more pages are scored anyway."""
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
    """Score every page for all queries; as many queries as fit into memory share a scan."""
    together = max(1, SCORES_AT_ONCE // pages)
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
    """What the mean over all queries is at least, with 95 % confidence, by the normal approximation.

    Of queries that are all served alike it is what they are served: nothing tells how far others may lie from them.
    """
    if len(recalls) < 2:
        return float(np.mean(recalls))
    return float(max(0, np.mean(recalls) - ONE_SIDED_95 * np.std(recalls, ddof=1) / np.sqrt(len(recalls))))


def recall(found: Sequence[ScoredPage], exact: Sequence[ScoredPage]) -> float:
    """Share of the exact best pages that were found; a page that scores as well as the last of them counts as one."""
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
    """A ranking, and the milliseconds it took."""
    start = time.perf_counter()
    ranked = rank_pages(store, query, limit=top_k, candidates=candidates, exact=exact)
    return ranked, (time.perf_counter() - start) * 1000
