"""Ranking in steps: filter, candidates, exact MaxSim of the best candidates.

Stores and settings may differ in which pages they score. Every score is exact MaxSim on the stored vectors.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from maxsight.errors import InputError
from maxsight.retrieval.scoring import score_exact
from maxsight.stores.base import Searchable
from maxsight.stores.conditions import AllOf, Filter
from maxsight.stores.ragged import PageVectors
from maxsight.types import QueryEmbedding, Similarity

MIN_RESCORED = 48
RESCORED_PER_HIT = 3
RESCORED_NEAR = 8
"""More pages than wanted that are scored near a boost: codes only estimate which of them are the best."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ScoredPage:
    """A page and its score.

    Attributes:
        page_id: Which page.
        score: Exact MaxSim.
        boost: The number added to the score when hits are ordered. The score itself stays.
    """

    page_id: str
    score: float
    boost: float = 0.0


@dataclass(frozen=True, slots=True)
class Boosts:
    """What a query adds to the scores of some pages, for the order alone.

    Attributes:
        pages: What is added, by page id.
        scored: Pages that are scored whether or not they are candidates. The search's filter keeps them.
        near: A condition. The nearest of the pages that meet it are candidates as well.
    """

    pages: Mapping[str, float] = field(default_factory=dict)
    scored: frozenset[str] = frozenset()
    near: Filter | None = None


NO_BOOSTS = Boosts()


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
    candidates: int | None = None,
    boosts: Boosts = NO_BOOSTS,
) -> list[ScoredPage]:
    """Find the best pages of a store for one query, see ``rank_pages_many``."""
    return rank_pages_many(
        store, [query], limit=limit, where=where, exact=exact, candidates=candidates, boosts=[boosts]
    )[0]


def rank_pages_many(
    store: Searchable,
    queries: Sequence[QueryEmbedding],
    *,
    limit: int,
    where: Filter | None = None,
    exact: bool = False,
    candidates: int | None = None,
    boosts: Sequence[Boosts] | None = None,
    on_damaged: Callable[[Sequence[str]], None] = log_damaged,
) -> list[list[ScoredPage]]:
    """Find the best pages of a store for each of several queries, which share the scan.

    Args:
        store: Where to look.
        queries: What to look for.
        limit: How many pages at most, for each query.
        where: Only pages this filter keeps.
        exact: Score every page instead of the candidates.
        candidates: How many pages to compare by 4-bit codes. More of them find more of the exact ranking and take
            longer. With None the default is used. It finds about 0.99 of the exact first ten pages, and all of them
            where pages are easier to tell apart than in ``benchmarks/synthetic.py``.
        boosts: For each query, which pages it boosts.
        on_damaged: Called with the ids of pages that are left out because a vector is not of unit norm.

    Returns:
        For each query, best first by score and boost. Equal pages are ordered by page id. If more pages are equal than
        are scored, stores may differ in which of them they find, except with ``exact``.

    Raises:
        InputError: ``limit`` or ``candidates`` is not positive.
    """
    for name, number in (("limit", limit), ("candidates", candidates)):
        if number is not None and number < 1:
            raise InputError(f"{name} must be at least 1, got {number}")
    boosts = boosts or [NO_BOOSTS] * len(queries)
    if exact:
        best = None if any(each.pages for each in boosts) else limit
        ranked = _score_all(store, queries, where, best, on_damaged)
    else:
        rescored = max(MIN_RESCORED, RESCORED_PER_HIT * limit)
        vectors = [query.vectors for query in queries]
        nearest = store.nearest(vectors, rescored, where=where, candidates=candidates)
        ranked = [
            score_pages(query, pages, on_damaged=on_damaged)
            for query, pages in zip(queries, nearest, strict=True)
        ]
        for query, pages, added in zip(queries, ranked, boosts, strict=True):
            pages += _score_more(
                store, query, added, {page.page_id for page in pages}, limit, where, on_damaged
            )
    return [_ordered(pages, added.pages)[:limit] for pages, added in zip(ranked, boosts, strict=True)]


def _ordered(pages: Sequence[ScoredPage], boosts: Mapping[str, float]) -> list[ScoredPage]:
    boosted = [replace(page, boost=boosts.get(page.page_id, 0.0)) for page in pages] if boosts else pages
    return sorted(boosted, key=lambda page: (-page.score - page.boost, page.page_id))


def _score_more(
    store: Searchable,
    query: QueryEmbedding,
    boosts: Boosts,
    known: set[str],
    limit: int,
    where: Filter | None,
    on_damaged: Callable[[Sequence[str]], None],
) -> list[ScoredPage]:
    """Score the boosted pages that are not known yet."""
    chunks: list[PageVectors] = []
    if boosts.near:
        near = boosts.near if where is None else Filter(AllOf((where.condition, boosts.near.condition)))
        chunks += store.nearest([query.vectors], RESCORED_NEAR + limit, where=near)
    named = boosts.scored - known.union(*(chunk.page_ids for chunk in chunks))
    if named:
        chunks += store.vectors(page_ids=sorted(named))
    scored = (page for chunk in chunks for page in score_pages(query, chunk, on_damaged=on_damaged))
    return [page for page in scored if page.page_id not in known]


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
