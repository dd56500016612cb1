"""Ranked pages as people see them: each with its snippet and its matches, pages of equal content as one hit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from maxsight.heatmaps.contrast import contrast
from maxsight.heatmaps.matching import match_words
from maxsight.heatmaps.similarity import attribute
from maxsight.heatmaps.snippets import marks, snippet
from maxsight.identity import document_id
from maxsight.library.drawing import placed
from maxsight.results import Boost, Hit
from maxsight.retrieval.search import ScoredPage
from maxsight.stores.background import Background
from maxsight.stores.base import IndexedPage
from maxsight.types import QueryEmbedding

if TYPE_CHECKING:
    from maxsight.evaluation.answerability import AnswerModel


def group_copies(ranked: Sequence[ScoredPage], pages: Mapping[str, IndexedPage]) -> list[list[ScoredPage]]:
    """Group ranked pages by their content, best first. Pages that are not among the stored ``pages`` are left out."""
    groups: dict[tuple[str, int], list[ScoredPage]] = {}
    for scored in ranked:
        if row := pages.get(scored.page_id):
            groups.setdefault((row.document.content_hash, row.page.page_index), []).append(scored)
    return list(groups.values())


def describe_hits(
    query: QueryEmbedding,
    groups: Sequence[Sequence[ScoredPage]],
    pages: Mapping[str, IndexedPage],
    background: Background | None = None,
    boosts: Mapping[str, tuple[Boost, ...]] = MappingProxyType({}),
    *,
    model: AnswerModel | None = None,
    named: bool = False,
    absent: int = 0,
) -> list[Hit]:
    """Describe ranked pages. Pages of equal content are one hit, that of the first; the others are its copies.

    Args:
        query: What they were found for.
        groups: Pages of equal content, best first.
        pages: The stored pages, by id.
        background: Of their library, if that is known.
        boosts: What moved pages up, by id.
        model: Estimates how likely the library answers a question. None if its encoder has no such model.
        named: Whether the query, or a filter, names documents.
        absent: How many names, numbers and rare words of the query no page has.
    """
    hits: list[Hit] = []
    for rank, (best, *copies) in enumerate(groups, start=1):
        added = boosts.get(best.page_id, ())
        hit, standing = _hit(rank, query, pages[best.page_id], best.score, background, added)
        if model and background and query.text and rank == 1:
            answers = model.judge(hit.matches, standing, named=named, absent=absent)
            hit = replace(hit, answers=answers, doubtful=answers < model.threshold)
        hits.append(replace(hit, copies=tuple(pages[copy.page_id].document.path for copy in copies)))
    return hits


def _hit(
    rank: int,
    query: QueryEmbedding,
    row: IndexedPage,
    score: float,
    background: Background | None,
    boosts: tuple[Boost, ...],
) -> tuple[Hit, float]:
    """Describe one page, and say how far its score stands out."""
    page = placed(row)
    attribution = attribute(query, row.embedding)
    standing_out = contrast(query, page, row.embedding, attribution, background)
    matches = match_words(query, page, row.embedding, attribution, standing_out)
    text = snippet(page, standing_out)
    hit = Hit(
        rank=rank,
        score=score,
        page_id=row.page_id,
        document_id=document_id(row.document.path),
        path=row.document.path,
        file=row.document.file,
        page_number=page.page_number,
        snippet=text,
        matches=matches,
        marks=marks(text, (match.word for match in matches if match.identical)),
        boosts=boosts,
        metadata=dict(row.metadata),
    )
    return hit, standing_out.standing
