"""Which query word matched which region, and how much of the score each gave.

A vector stands for a span of the page's text, or for a patch of its picture. The text of a patch is the words that it
overlaps. Vectors of the whole page, such as those of a prompt, count like all others but have no place.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from maxsight.errors import InputError
from maxsight.results import Match, Region
from maxsight.types import WHOLE_PAGE, Page, PageEmbedding, QueryEmbedding, Regions

SNIPPET_CHARS = 240
MIN_OVERLAP = 0.25
"""A patch shows a word if their overlap is at least this share of the smaller one's area."""
GAIN_STEP = 2.0**-24
"""The resolution of float32 just below 1. Sums of such steps are exact in float64, so shares add up to the score."""
PUNCTUATION = " \t\n.,;:!?\"'()[]{}«»“”„…"


@dataclass(frozen=True, slots=True, eq=False)
class Attribution:
    """A page's score in shares. They sum to the score exactly, in any order.

    Attributes:
        similarities: Of every query token and every vector. Shape ``(query_tokens, vectors)``.
        best: The most similar vector of each query token. Shape ``(query_tokens,)``.
        gains: What each query token gave to the score, in steps of ``GAIN_STEP``. Shape ``(query_tokens,)``.
    """

    similarities: NDArray[np.float32]
    best: NDArray[np.intp]
    gains: NDArray[np.float64]

    @property
    def score(self) -> float:
        """Exact MaxSim."""
        return float(self.gains.sum())

    @property
    def vector_gains(self) -> NDArray[np.float64]:
        """What each vector of the page gave to the score. Shape ``(vectors,)``."""
        vectors = self.similarities.shape[1]
        return np.bincount(self.best, weights=self.gains, minlength=vectors).astype(np.float64)


def attribute(query: QueryEmbedding, embedding: PageEmbedding) -> Attribution:
    """Split a page's score into shares.

    Raises:
        InputError: The page has no vectors.
    """
    if not len(embedding.vectors):
        raise InputError("the page has no vectors, so nothing on it can match")
    similarities = query.vectors @ embedding.vectors.astype(np.float32).T
    best = similarities.argmax(axis=1)
    picked = similarities[np.arange(len(best)), best].astype(np.float64)
    return Attribution(similarities, best, np.rint(picked / GAIN_STEP) * GAIN_STEP)


def match_words(
    query: QueryEmbedding, page: Page, embedding: PageEmbedding, attribution: Attribution
) -> tuple[Match, ...]:
    """Find for each query word the region where it matched, in the order of the query.

    A word of several tokens gets the sum of their gains, and the region that gave most of it.
    """
    regions = regions_at(page, embedding, attribution.best)
    gave: dict[int, dict[Region, float]] = defaultdict(lambda: defaultdict(float))
    for token in np.argsort(-attribution.gains, kind="stable").tolist():
        by_region = gave[int(query.word_index[token])]
        by_region[regions[int(attribution.best[token])]] += float(attribution.gains[token])
    return tuple(
        Match(word, sum(gave[index].values()), max(gave[index], key=gave[index].__getitem__))
        for index, word in enumerate(query.words)
        if index in gave
    )


def regions_at(page: Page, embedding: PageEmbedding, vectors: NDArray[np.intp]) -> dict[int, Region]:
    """Describe the regions of some vectors, by vector."""
    picked = np.unique(vectors)
    regions = embedding.regions.of(picked)
    whole = regions.whole_page.tolist()
    boxes = [None] * len(picked) if regions.boxes is None else _rounded(regions.boxes)
    if regions.spans is not None:
        texts = [page.text[start:end] for start, end in whole_words(page, regions.spans).tolist()]
    else:
        assert regions.boxes is not None  # a region has spans or boxes
        texts = ["" if skip else _text_in(page, box) for box, skip in zip(regions.boxes, whole, strict=True)]
    described = [Region(box, text.strip(PUNCTUATION)) for box, text in zip(boxes, texts, strict=True)]
    for vector, parts in divided_words(page, regions).items():
        box, *more = _rounded(parts)
        described[vector] = Region(box, described[vector].text, tuple(more))
    return {
        vector: Region(WHOLE_PAGE, "") if all_of_it else region
        for vector, all_of_it, region in zip(picked.tolist(), whole, described, strict=True)
    }


def divided_words(page: Page, regions: Regions) -> dict[int, NDArray[np.float32]]:
    """Find the vectors of words that are divided between lines, each with the boxes of its word's parts.

    A region has one box, which is that of the part its span starts in.
    """
    if regions.spans is None or page.words.boxes is None or not len(page.words):
        return {}
    of = page.whole_words
    first, last = _words_at(page, regions.spans)
    divided = np.flatnonzero((first < last) & (of[first] == of[last]))
    return {int(vector): page.words.boxes[first[vector] : last[vector] + 1] for vector in divided}


def _rounded(boxes: NDArray[np.float32]) -> list[tuple[float, float, float, float]]:
    return [(x0, y0, x1, y1) for x0, y0, x1, y1 in boxes.astype(np.float64).round(5).tolist()]


def _text_in(page: Page, box: NDArray[np.float32]) -> str:
    """The words in a box; of a divided word, its parts in the box."""
    words = words_in(page, box)
    spans, of = page.words.spans[words], page.whole_words[words]
    gaps = ["" if same else " " for same in np.diff(of, prepend=-1) == 0]
    return "".join(gap + page.text[start:end] for gap, (start, end) in zip(gaps, spans, strict=True)).strip()


def words_in(page: Page, box: NDArray[np.float32]) -> NDArray[np.intp]:
    """Find the words in a box, in reading order; none if words have no boxes."""
    if page.words.boxes is None:
        return np.empty(0, np.intp)
    boxes, place = page.words.boxes.astype(np.float64), box.astype(np.float64).round(5)
    edges = np.minimum(boxes[:, 2:], place[2:]) - np.maximum(boxes[:, :2], place[:2])
    shared = np.maximum(edges, 0).prod(axis=1)
    smaller = np.minimum((boxes[:, 2:] - boxes[:, :2]).prod(axis=1), (place[2:] - place[:2]).prod())
    return np.flatnonzero((shared > 0) & (shared >= MIN_OVERLAP * smaller))


def whole_words(page: Page, spans: NDArray[np.int32]) -> NDArray[np.int32]:
    """Widen spans to whole words, which mean more to a person than parts. Shape ``(spans, 2)``."""
    words = page.words.spans
    if not len(words):
        return spans
    first, last = _words_at(page, spans)
    return np.stack(
        [np.minimum(spans[:, 0], words[first, 0]), np.maximum(spans[:, 1], words[last, 1])], axis=1
    )


def _words_at(page: Page, spans: NDArray[np.int32]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Find the first and the last word of each span, with all parts of divided words. Shapes ``(spans,)``."""
    starts, of = page.words.spans[:, 0], page.whole_words
    first = np.maximum(np.searchsorted(starts, spans[:, 0], side="right") - 1, 0)
    last = np.maximum(np.searchsorted(starts, spans[:, 1], side="left") - 1, first)
    return np.searchsorted(of, of[first]), np.searchsorted(of, of[last], side="right") - 1


def snippet(page: Page, embedding: PageEmbedding, attribution: Attribution) -> str:
    """Return the stretch of the page's text that gave most of the score."""
    spans, gains = _spans_that_gave(page, embedding, attribution)
    if not len(spans):
        return shorten(page.text, 0)
    starts, ends = spans[:, 0], spans[:, 1]
    inside = (starts[None, :] >= starts[:, None]) & (ends[None, :] <= starts[:, None] + SNIPPET_CHARS)
    return shorten(page.text, int(starts[(inside * gains[None, :]).sum(axis=1).argmax()]))


def _spans_that_gave(
    page: Page, embedding: PageEmbedding, attribution: Attribution
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """The spans of text that gave the score, and how much. A patch divides its gain among its words."""
    regions, gains = embedding.regions, attribution.vector_gains
    picked = np.unique(attribution.best)
    picked = picked[~regions.whole_page[picked]]
    if regions.spans is not None:
        return regions.spans[picked], gains[picked]
    assert regions.boxes is not None  # a region has spans or boxes
    word_gains = np.zeros(len(page.words))
    for vector in picked:
        shown = words_in(page, regions.boxes[vector])
        word_gains[shown] += gains[vector] / max(len(shown), 1)
    gave = np.flatnonzero(word_gains)
    return page.words.spans[gave], word_gains[gave]


def shorten(text: str, start: int) -> str:
    """Cut about ``SNIPPET_CHARS`` around ``start`` at word boundaries, on one line, from one paragraph on."""
    begin = max(0, start - SNIPPET_CHARS // 4)
    if (paragraph_break := text.rfind("\n\n", begin, start)) >= 0:
        begin = paragraph_break + 2
    end = min(len(text), begin + SNIPPET_CHARS + SNIPPET_CHARS // 4)
    while 0 < begin < start and not text[begin - 1].isspace():
        begin += 1
    while start < end < len(text) and not text[end].isspace():
        end -= 1
    line = " ".join(text[begin:end].split())
    return f"{'… ' if begin else ''}{line}{' …' if end < len(text) else ''}"
