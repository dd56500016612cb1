"""Ranked pages as people see them: each with its snippet and its matches, copies of one content as one hit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from maxsight.heatmaps.similarity import attribute, match_words, snippet
from maxsight.identity import document_id
from maxsight.library.drawing import placed
from maxsight.retrieval.search import ScoredPage
from maxsight.stores.base import AnyStore, IndexedPage
from maxsight.types import Hit, QueryEmbedding

QUERIES_PER_SCAN = 32
PAGES_PER_READ = 256

Rank = Callable[[Sequence[QueryEmbedding], int], list[list[ScoredPage]]]
"""Finds the best pages for each query, as many at most as the number says."""


def find_hits(store: AnyStore, rank: Rank, queries: Sequence[QueryEmbedding], top_k: int) -> list[list[Hit]]:
    """Find and describe the best pages for each query.

    Args:
        store: Where the pages are.
        rank: Ranks them.
        queries: What to look for.
        top_k: How many hits at most for each query. Pages of equal content come as one.

    Returns:
        For each query, best first.
    """
    found = []
    for first in range(0, len(queries), QUERIES_PER_SCAN):
        found += _find_together(store, rank, queries[first : first + QUERIES_PER_SCAN], top_k)
    return found


def _find_together(
    store: AnyStore, rank: Rank, queries: Sequence[QueryEmbedding], top_k: int
) -> list[list[Hit]]:
    found: dict[int, list[Hit]] = {}
    limit = top_k + 1  # one page more shows that the copies of the last one are all in
    while len(found) < len(queries):
        waiting = [number for number in range(len(queries)) if number not in found]
        rankings = rank([queries[number] for number in waiting], limit)
        ranked_queries = list(zip(waiting, rankings, strict=True))
        step = max(1, PAGES_PER_READ // limit)
        for first in range(0, len(waiting), step):
            some = ranked_queries[first : first + step]
            named = {page.page_id for _, ranked in some for page in ranked}
            rows = {row.page_id: row for row in store.read(list(named))}
            for number, ranked in some:
                if not all(page.page_id in rows for page in ranked):
                    continue  # some went meanwhile: ask again
                scored = {page.page_id: page for page in ranked}
                hits = describe_hits(queries[number], [rows[page_id] for page_id in scored], scored)
                if len(hits) > top_k or len(ranked) < limit:
                    found[number] = hits[:top_k]
        limit *= 4  # copies have taken the places of others
    return [found[number] for number in range(len(queries))]


def describe_hits(
    query: QueryEmbedding, rows: Iterable[IndexedPage], scored: Mapping[str, ScoredPage]
) -> list[Hit]:
    """Describe pages, those of equal content as one.

    Args:
        query: What they were found for.
        rows: The pages, best first.
        scored: Their scores, by page id.
    """
    hits: dict[tuple[str, int], Hit] = {}
    for row in rows:
        content = (row.document.content_hash, row.page.page_index)
        if content in hits:
            hits[content] = replace(hits[content], copies=(*hits[content].copies, row.document.path))
        else:
            hits[content] = _hit(len(hits) + 1, query, row, scored[row.page_id])
    return list(hits.values())


def _hit(rank: int, query: QueryEmbedding, row: IndexedPage, scored: ScoredPage) -> Hit:
    page = placed(row)
    attribution = attribute(query, row.embedding)
    return Hit(
        rank=rank,
        score=scored.score,
        page_id=row.page_id,
        document_id=document_id(row.document.path),
        path=row.document.path,
        file=row.document.file,
        page_number=page.page_number,
        snippet=snippet(page, row.embedding, attribution),
        matches=match_words(query, page, row.embedding, attribution),
        fused_score=scored.fused_score,
        metadata=dict(row.metadata),
    )
