"""Ranked pages as people see them: each with its snippet and its matches, copies of one content as one hit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from maxsight.drawing import placed
from maxsight.heatmaps.similarity import attribute, match_words, snippet
from maxsight.retrieval.search import ScoredPage
from maxsight.stores.base import IndexedPage
from maxsight.types import Hit, QueryEmbedding


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
        path=row.document.path,
        file=row.document.file,
        page_number=page.page_number,
        snippet=snippet(page, row.embedding, attribution),
        matches=match_words(query, page, row.embedding, attribution),
        fused_score=scored.fused_score,
        metadata=dict(row.metadata),
    )
