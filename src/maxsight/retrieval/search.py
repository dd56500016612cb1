"""Ranking in steps: filter, candidates, exact MaxSim of the best candidates.

Stores and settings may differ in which pages they score. Every score is exact MaxSim on the stored vectors.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from maxsight.errors import InputError
from maxsight.retrieval.scoring import score_exact
from maxsight.stores.base import Searchable
from maxsight.stores.conditions import Filter
from maxsight.stores.ragged import PageVectors
from maxsight.types import QueryEmbedding, Similarity

MIN_RESCORED = 48
RESCORED_PER_HIT = 3
TEXT_MATCHES_PER_HIT = 8
RECIPROCAL_RANK_CONSTANT = 60  # Cormack, Clarke and Büttcher 2009

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ScoredPage:
    """A page and its score.

    Attributes:
        page_id: Which page.
        score: Exact MaxSim.
        fused_score: Reciprocal-rank fusion with BM25, or None.
    """

    page_id: str
    score: float
    fused_score: float | None = None


def log_damaged(page_ids: Sequence[str]) -> None:
    """Name pages that are left out, because a vector is not of unit norm: a disk has changed it."""
    logger.warning("pages are damaged and left out: %s", ", ".join(page_ids))


def rank_pages(
    store: Searchable,
    query: QueryEmbedding,
    *,
    limit: int,
    where: Filter | None = None,
    exact: bool = False,
    hybrid: bool = False,
    candidates: int | None = None,
) -> list[ScoredPage]:
    """Find the best pages of a store for one query, see ``rank_pages_many``."""
    return rank_pages_many(
        store, [query], limit=limit, where=where, exact=exact, hybrid=hybrid, candidates=candidates
    )[0]


def rank_pages_many(
    store: Searchable,
    queries: Sequence[QueryEmbedding],
    *,
    limit: int,
    where: Filter | None = None,
    exact: bool = False,
    hybrid: bool = False,
    candidates: int | None = None,
    on_damaged: Callable[[Sequence[str]], None] = log_damaged,
) -> list[list[ScoredPage]]:
    """Find the best pages of a store for each of several queries, which share the scan.

    Args:
        store: Where to look.
        queries: What to look for.
        limit: How many pages at most, for each query.
        where: Only pages this filter keeps.
        exact: Score every page instead of the candidates.
        hybrid: Order by the fusion of the MaxSim and BM25 rankings.
        candidates: How many pages to compare by 4-bit codes. More of them find more of the exact ranking and take
            longer. With None the default is used. It finds about 0.99 of the exact first ten pages, and all of them
            where pages are easier to tell apart than in ``benchmarks/synthetic.py``.
        on_damaged: Called with the ids of pages that are left out because a vector is not of unit norm.

    Returns:
        For each query, best first. Pages of equal score are ordered by page id. If more pages are equal than are
        scored, stores may differ in which of them they find, except with ``exact``.

    Raises:
        InputError: ``limit`` or ``candidates`` is not positive.
    """
    for name, number in (("limit", limit), ("candidates", candidates)):
        if number is not None and number < 1:
            raise InputError(f"{name} must be at least 1, got {number}")
    if exact:
        ranked = _score_all(store, queries, where, None if hybrid else limit, on_damaged)
    else:
        rescored = max(MIN_RESCORED, RESCORED_PER_HIT * limit)
        vectors = [query.vectors for query in queries]
        nearest = store.nearest(vectors, rescored, where=where, candidates=candidates)
        ranked = [
            score_pages(query, pages, on_damaged=on_damaged)
            for query, pages in zip(queries, nearest, strict=True)
        ]
    for query, pages in zip(queries, ranked, strict=True):
        by_text = store.search_text(query.text, TEXT_MATCHES_PER_HIT * limit, where=where) if hybrid else []
        unscored = sorted(set(by_text) - {page.page_id for page in pages})
        if unscored:
            pages += [
                page
                for chunk in store.vectors(page_ids=unscored)
                for page in score_pages(query, chunk, on_damaged=on_damaged)
            ]
        pages.sort(key=lambda page: (-page.score, page.page_id))
        if hybrid:
            pages[:] = fuse(pages, by_text)
    return [pages[:limit] for pages in ranked]


def _score_all(
    store: Searchable,
    queries: Sequence[QueryEmbedding],
    where: Filter | None,
    best: int | None,
    on_damaged: Callable[[Sequence[str]], None],
) -> list[list[ScoredPage]]:
    """Score every page; with ``best``, keep only pages of each chunk that may be among so many best of all."""
    scored: list[list[ScoredPage]] = [[] for _ in queries]
    for chunk in store.vectors(where=where):
        for query, pages in zip(queries, scored, strict=True):
            pages += score_pages(query, chunk, best, on_damaged=on_damaged)
    return scored


def score_pages(
    query: QueryEmbedding,
    pages: PageVectors,
    best: int | None = None,
    *,
    on_damaged: Callable[[Sequence[str]], None] = log_damaged,
) -> list[ScoredPage]:
    """Score pages by exact MaxSim.

    Pages without vectors and damaged pages are left out. With ``best``, so are pages that have this many others above
    them.
    """
    if query.similarity is Similarity.INNER_PRODUCT:
        scores = score_exact(query.vectors, pages)
    else:
        scores = np.array([query.compare(page).max(1).sum() if len(page) else -np.inf for page in pages])
    if (damaged := np.isnan(scores)).any():
        on_damaged([pages.page_ids[page] for page in np.flatnonzero(damaged).tolist()])
        scores[damaged] = -np.inf
    kept = scores > -np.inf
    if best is not None and len(scores) > best:
        kept &= scores >= np.partition(scores, -best)[-best]
    return [ScoredPage(pages.page_ids[page], float(scores[page])) for page in np.flatnonzero(kept).tolist()]


def fuse(by_vectors: Sequence[ScoredPage], by_text: Sequence[str]) -> list[ScoredPage]:
    """Fuse two rankings by reciprocal rank; the score stays MaxSim.

    A page gets ``1 / (60 + rank)`` for each ranking that has it. Pages without vectors are left out.
    """
    parts = {page_id: 1 / (RECIPROCAL_RANK_CONSTANT + rank) for rank, page_id in enumerate(by_text, start=1)}
    fused = [
        replace(page, fused_score=1 / (RECIPROCAL_RANK_CONSTANT + rank) + parts.get(page.page_id, 0.0))
        for rank, page in enumerate(by_vectors, start=1)
    ]
    fused.sort(key=lambda page: (-(page.fused_score or 0.0), -page.score, page.page_id))
    return fused
