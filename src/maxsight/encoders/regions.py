"""Where a page's vectors come from: the spans of their text, and the boxes of the words in it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from maxsight.types import WHOLE_PAGE, Regions, Words


def word_of(spans: NDArray[np.int32], words: NDArray[np.int32]) -> NDArray[np.intp]:
    """Find the word each span starts in: the last one that starts no later, else the first.

    Args:
        spans: Shape ``(spans, 2)``.
        words: At least one, ascending. Shape ``(words, 2)``.
    """
    return np.maximum(np.searchsorted(words[:, 0], spans[:, 0], side="right") - 1, 0)


def trim_spans(spans: NDArray[np.int32], text: str) -> NDArray[np.int32]:
    """Take the white space off both ends of tokens' spans.

    A token of white space alone stands for the first character of the next word.
    """
    trimmed = spans.copy()
    for index, (start, end) in enumerate(spans.tolist()):
        token = text[start:end]
        if token.isspace():
            if end < len(text) and not text[end].isspace():
                trimmed[index] = end, end + 1
        elif token != token.strip():
            trimmed[index] += [len(token) - len(token.lstrip()), len(token.rstrip()) - len(token)]
    return trimmed


def token_regions(spans: NDArray[np.int32], words: Words) -> Regions:
    """Give each token its own span and the box of its word, or of all words of its line that it covers.

    A token with an empty span stands for no text, and so for the whole page. So does every token of a page whose
    words have no boxes although it has a picture.
    """
    if words.boxes is None:
        return Regions(boxes=None, spans=spans)
    boxes = _whole_pages(len(spans))
    if len(words):
        placed = spans[:, 1] > spans[:, 0]
        boxes[placed] = _boxes_of(spans[placed], words.spans, words.boxes)
    return Regions(boxes=boxes, spans=spans)


def _boxes_of(
    spans: NDArray[np.int32], words: NDArray[np.int32], boxes: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Find the box of each span's first word. In scripts without spaces a token may cover more words of the line."""
    first = word_of(spans, words)
    last = np.maximum(np.searchsorted(words[:, 0], spans[:, 1], side="left") - 1, first)
    found = boxes[first]
    for row in np.flatnonzero((last > first) & (words[first, 1] < spans[:, 1])):
        own = boxes[first[row] : last[row] + 1]
        beside = (own[:, :2] < own[0, 2:]) & (
            own[:, 2:] > own[0, :2]
        )  # a line, or a column of vertical writing
        own = own[beside.any(axis=1)]
        found[row] = [*own[:, :2].min(axis=0), *own[:, 2:].max(axis=0)]
    return found


def paragraph_regions(spans: NDArray[np.int32], words: Words) -> Regions:
    """Give each paragraph its span, and the box around its words where they have boxes."""
    if words.boxes is None:
        return Regions(boxes=None, spans=spans)
    boxes = _whole_pages(len(spans))
    for row, (start, end) in enumerate(spans):
        own = words.boxes[(words.spans[:, 0] < end) & (words.spans[:, 1] > start)]
        if len(own):
            boxes[row] = [*own[:, :2].min(axis=0), *own[:, 2:].max(axis=0)]
    return Regions(boxes=boxes, spans=spans)


def _whole_pages(count: int) -> NDArray[np.float32]:
    return np.tile(np.array(WHOLE_PAGE, np.float32), (count, 1))
