"""The ranking as a cascade: filter, candidates, exact MaxSim on what is left.

Only which pages are looked at may differ between stores and settings; every score is exact MaxSim on the
stored vectors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from maxsight.errors import InputError
from maxsight.retrieval.scoring import score_exact
from maxsight.stores.base import Searchable
from maxsight.stores.conditions import Filter
from maxsight.stores.ragged import PageVectors
from maxsight.types import QueryEmbedding

MIN_RESCORED = 48
RESCORED_PER_HIT = 3
TEXT_MATCHES_PER_HIT = 8
RECIPROCAL_RANK_CONSTANT = 60  # Cormack, Clarke and Büttcher 2009


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
    """Find the best pages of a store.

    Args:
        store: Where to look.
        query: What to look for.
        limit: How many pages at most.
        where: Only pages this filter keeps.
        exact: Score every page instead of the candidates.
        hybrid: Order by the fusion of the MaxSim and BM25 rankings.
        candidates: How many pages to look at closely. More find more of the exact ranking and take longer; None
            finds about 0.99 of its first ten pages, and all of them where pages are easier to tell apart than in
            ``benchmarks/synthetic.py``.

    Returns:
        Best first. Equal scores are ordered by page id. Where more pages are equal than candidates are scored, which
        of them are found may differ between stores, but for ``exact``.

    Raises:
        InputError: ``limit`` or ``candidates`` is not positive.
    """
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
) -> list[list[ScoredPage]]:
    """Find the best pages for each of several queries, which share the scan: ``rank_pages`` for each, but quicker.

    Args:
        store: Where to look.
        queries: What to look for.
        limit: As for ``rank_pages``, and so on.
        where: For all queries.
        exact: Score every page instead of the candidates.
        hybrid: Order by the fusion of the MaxSim and BM25 rankings.
        candidates: How many pages to look at closely, for each query.
    """
    for name, number in (("limit", limit), ("candidates", candidates)):
        if number is not None and number < 1:
            raise InputError(f"{name} must be at least 1, got {number}")
    if exact:
        ranked = _score_all(store, queries, where, None if hybrid else limit)
    else:
        rescored = max(MIN_RESCORED, RESCORED_PER_HIT * limit)
        vectors = [query.vectors for query in queries]
        nearest = store.nearest(vectors, rescored, where=where, candidates=candidates)
        ranked = [score_pages(query, pages) for query, pages in zip(queries, nearest, strict=True)]
    for query, pages in zip(queries, ranked, strict=True):
        by_text = store.search_text(query.text, TEXT_MATCHES_PER_HIT * limit, where=where) if hybrid else []
        unscored = sorted(set(by_text) - {page.page_id for page in pages})
        if unscored:
            pages += [
                page for chunk in store.vectors(page_ids=unscored) for page in score_pages(query, chunk)
            ]
        pages.sort(key=lambda page: (-page.score, page.page_id))
        if hybrid:
            pages[:] = fuse(pages, by_text)
    return [pages[:limit] for pages in ranked]


def _score_all(
    store: Searchable, queries: Sequence[QueryEmbedding], where: Filter | None, best: int | None
) -> list[list[ScoredPage]]:
    """Score every page; of each chunk, only what may be among the ``best`` of all is kept, if that is given."""
    scored: list[list[ScoredPage]] = [[] for _ in queries]
    for chunk in store.vectors(where=where):
        for query, pages in zip(queries, scored, strict=True):
            pages += score_pages(query, chunk, best)
    return scored


def score_pages(query: QueryEmbedding, pages: PageVectors, best: int | None = None) -> list[ScoredPage]:
    """Score pages by exact MaxSim. Pages without vectors are left out, and those that ``best`` others are above."""
    scores = score_exact(query.vectors, pages)
    kept = scores > -np.inf
    if best is not None and len(scores) > best:
        kept &= scores >= np.partition(scores, -best)[-best]
    return [ScoredPage(pages.page_ids[page], float(scores[page])) for page in np.flatnonzero(kept).tolist()]


def fuse(by_vectors: Sequence[ScoredPage], by_text: Sequence[str]) -> list[ScoredPage]:
    """Fuse two rankings by reciprocal rank; the score stays MaxSim.

    A page found by one ranking alone counts nothing for the other: ``1 / (60 + rank)`` summed over the rankings
    it is in. Pages that only the text ranking knows and that have no vectors stay out.
    """
    text_share = {
        page_id: 1 / (RECIPROCAL_RANK_CONSTANT + rank) for rank, page_id in enumerate(by_text, start=1)
    }
    fused = [
        ScoredPage(
            page.page_id,
            page.score,
            1 / (RECIPROCAL_RANK_CONSTANT + rank) + text_share.get(page.page_id, 0.0),
        )
        for rank, page in enumerate(by_vectors, start=1)
    ]
    fused.sort(key=lambda page: (-(page.fused_score or 0.0), -page.score, page.page_id))
    return fused
