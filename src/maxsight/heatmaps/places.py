"""Where vectors and words stand on a page, for people.

A vector stands for a span of the page's text, or for a patch of its picture. The text of a patch is the words that it
overlaps. Vectors of the whole page, such as those of a prompt, count like all others but have no place.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from maxsight.results import Region
from maxsight.segmentation import AROUND_WORDS
from maxsight.stores.phrases import find_phrase
from maxsight.types import WHOLE_PAGE, Page, PageEmbedding, Regions

MIN_OVERLAP = 0.25
"""A patch shows a word if their overlap is at least this share of the smaller one's area."""
PUNCTUATION = " \t\n" + AROUND_WORDS


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
    first, last = words_at(page, regions.spans)
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
    return np.flatnonzero(overlap(page.words.boxes, box) >= MIN_OVERLAP)


def overlap(boxes: NDArray[np.float32], box: NDArray[np.float32]) -> NDArray[np.float64]:
    """Compare boxes with one: the shared area as a part of the smaller one's. Shape ``(boxes,)``."""
    others, place = boxes.astype(np.float64), box.astype(np.float64).round(5)
    edges = np.minimum(others[:, 2:], place[2:]) - np.maximum(others[:, :2], place[:2])
    shared = np.maximum(edges, 0).prod(axis=1)
    smaller = np.minimum((others[:, 2:] - others[:, :2]).prod(axis=1), (place[2:] - place[:2]).prod())
    return np.asarray(np.divide(shared, smaller, out=np.zeros_like(shared), where=smaller > 0))


def whole_words(page: Page, spans: NDArray[np.int32]) -> NDArray[np.int32]:
    """Widen spans to whole words, which mean more to a person than parts. Shape ``(spans, 2)``."""
    words = page.words.spans
    if not len(words):
        return spans
    first, last = words_at(page, spans)
    return np.stack(
        [np.minimum(spans[:, 0], words[first, 0]), np.maximum(spans[:, 1], words[last, 1])], axis=1
    )


def words_at(page: Page, spans: NDArray[np.int32]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Find the first and the last word of each span, with all parts of divided words. Shapes ``(spans,)``."""
    starts, of = page.words.spans[:, 0], page.whole_words
    first = np.maximum(np.searchsorted(starts, spans[:, 0], side="right") - 1, 0)
    last = np.maximum(np.searchsorted(starts, spans[:, 1], side="left") - 1, first)
    return np.searchsorted(of, of[first]), np.searchsorted(of, of[last], side="right") - 1


def words_between(page: Page, spans: Sequence[tuple[int, int]]) -> tuple[NDArray[np.intp], ...]:
    """Find the words that spans of the page's text touch, in reading order; nothing for a span between two words."""
    if not spans:
        return ()
    starts, ends = np.array(spans).T
    first = np.searchsorted(page.words.spans[:, 1], starts, "right").tolist()
    after = np.searchsorted(page.words.spans[:, 0], ends).tolist()
    return tuple(np.arange(*some) for some in zip(first, after, strict=True) if some[0] < some[1])


def region_of_words(page: Page, words: NDArray[np.intp]) -> Region:
    """Describe some words that follow each other, with a box for each line that they stand on."""
    boxes, spans = page.words.boxes, page.words.spans
    text = page.text[spans[words[0], 0] : spans[words[-1], 1]].strip(PUNCTUATION)
    if boxes is None:
        return Region(None, text)
    own = boxes[words]
    if len(words) == 1:
        return Region(_rounded(own)[0], text)
    middles = own[:, 1::2].mean(axis=1)
    wraps = (middles[1:] > own[:-1, 3]) | (middles[1:] < own[:-1, 1]) | (own[1:, 0] < own[:-1, 0])
    lines = np.split(own, np.flatnonzero(wraps) + 1)
    around = [np.concatenate([line[:, :2].min(axis=0), line[:, 2:].max(axis=0)]) for line in lines]
    box, *more = _rounded(np.stack(around))
    return Region(box, text, tuple(more))


def locate(page: Page, phrase: str) -> list[Region]:
    """Find a phrase or a number on a page to the letter, across line breaks and hyphens.

    Args:
        page: Where to look.
        phrase: It counts as in a search for a quoted phrase.

    Returns:
        A region for each place, in reading order, with a box for each line that it stands on.
    """
    return [region_of_words(page, words) for words in words_between(page, find_phrase(page.text, phrase))]
