"""The ranking as a cascade: filter, candidates, exact MaxSim on what is left.

Only which pages are looked at may differ between stores and settings; every score is exact MaxSim on the
stored vectors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from maxsight.errors import InputError
from maxsight.retrieval.maxsim import maxsim_packed
from maxsight.stores.base import Store, VectorChunk
from maxsight.stores.conditions import Filter
from maxsight.threads import map_in_threads
from maxsight.types import QueryEmbedding

MIN_CANDIDATES = 128
CANDIDATES_PER_HIT = 8
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
    store: Store,
    query: QueryEmbedding,
    *,
    limit: int,
    where: Filter | None = None,
    exact: bool = False,
    hybrid: bool = False,
) -> list[ScoredPage]:
    """Find the best pages of a store.

    Args:
        store: Where to look.
        query: What to look for.
        limit: How many pages at most.
        where: Only pages this filter keeps.
        exact: Score every page instead of the candidates.
        hybrid: Order by the fusion of the MaxSim and BM25 rankings.

    Returns:
        Best first. Equal scores are ordered by page id, so that every store gives the same list.

    Raises:
        InputError: ``limit`` is not positive.
    """
    if limit < 1:
        raise InputError(f"ask for at least one result, got {limit}")
    wanted = max(MIN_CANDIDATES, CANDIDATES_PER_HIT * limit)
    by_text = store.search_text(query.text, wanted, where=where) if hybrid else []
    if exact:
        pages = score_pages(store, query, where=where)
    else:
        candidates = store.candidates(query.vectors, wanted, where=where)
        pages = score_pages(store, query, page_ids=sorted({*candidates, *by_text}))
    pages.sort(key=lambda page: (-page.score, page.page_id))
    if hybrid:
        pages = fuse(pages, by_text)
    return pages[:limit]


def score_pages(
    store: Store,
    query: QueryEmbedding,
    *,
    where: Filter | None = None,
    page_ids: Sequence[str] | None = None,
) -> list[ScoredPage]:
    """Score pages by exact MaxSim, a chunk at a time. Pages without vectors are left out."""

    def score(chunk: VectorChunk) -> list[ScoredPage]:
        scores = maxsim_packed(query.vectors, chunk.vectors, chunk.offsets)
        named = zip(chunk.page_ids, scores, strict=True)
        return [ScoredPage(page_id, float(score)) for page_id, score in named if score > float("-inf")]

    chunks = store.vectors(where=where, page_ids=page_ids)
    return [page for pages in map_in_threads(score, chunks) for page in pages]


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
