"""The second look: the first hits of a search in the order of a reranker. The function is a method of ``Library``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from PIL import Image

from maxsight.errors import InputError, UnreadableDocumentError
from maxsight.library.explaining import picture, with_pages
from maxsight.library.opened import Opened
from maxsight.library.queries import Query, text_of
from maxsight.library.quoting import read_quoted
from maxsight.reranking import Candidate, Reads, Reranker
from maxsight.results import Hit, Hits
from maxsight.stores.base import IndexedPage


def depth(top_k: int, reranker: Reranker | None) -> int:
    """Count the hits to find, so that a reranker can choose the best ``top_k``."""
    return max(top_k, reranker.pages) if reranker and top_k > 0 else top_k


def rerank(library: Opened, query: Query, hits: Sequence[Hit], reranker: Reranker) -> Hits:
    """Put the first hits into the order of a reranker; the others follow as they are.

    Args:
        library: Holds their pages.
        query: What they were found for.
        hits: Best first.
        reranker: Reads as many of them as its ``pages`` says.

    Returns:
        The hits, with new ranks. Hits that the reranker could not read follow those that it read.

    Raises:
        InputError: The query is vectors, which no reranker reads.
        EncoderError: The reranker failed.
    """
    question = _question(query)
    read, others = hits[: reranker.pages], hits[reranker.pages :]
    pages = {page.page_id: page for page in library.store.read([hit.page_id for hit in read])}
    candidates = [_candidate(library, pages.get(hit.page_id), reranker.reads) for hit in read]
    scores = reranker.score(question, candidates)
    scored = [replace(hit, rerank_score=score) for hit, score in zip(read, scores, strict=True)]
    scored.sort(key=lambda hit: -np.inf if hit.rerank_score is None else hit.rerank_score, reverse=True)
    ranked = [replace(hit, rank=rank) for rank, hit in enumerate([*scored, *others], start=1)]
    return with_pages(library, query, [_judged(hit, hits[0]) for hit in ranked])


def _judged(hit: Hit, first: Hit) -> Hit:
    """Give the first hit the judgement whether the library answers at all: it is of the query, not of the page."""
    if hit.rank > 1:
        return replace(hit, answers=None, doubtful=False)
    return replace(hit, answers=first.answers, doubtful=first.doubtful)


def _question(query: Query) -> str:
    if isinstance(query, np.ndarray):
        raise InputError(
            "a reranker reads the question, and vectors can't be read",
            hint="Ask with a text, or do not rerank.",
        )
    return read_quoted(query).text if isinstance(query, str) else text_of(query)


def _candidate(library: Opened, page: IndexedPage | None, reads: Reads) -> Candidate:
    if page is None:  # removed since it was found
        return Candidate("")
    text = "" if reads is Reads.IMAGE else page.page.text
    return Candidate(text, None if reads is Reads.TEXT else _drawn(library, page))


def _drawn(library: Opened, page: IndexedPage) -> Image.Image | None:
    try:
        return picture(library, page).image.convert("RGB")
    except UnreadableDocumentError:  # its file is gone
        return None
