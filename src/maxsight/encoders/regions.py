"""Where the tokens of a text stand: in which word, and where on the page."""

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


def regions_of(spans: NDArray[np.int32], words: Words) -> Regions:
    """Give each token its own span and the box of its word.

    A token with an empty span stands for no text, and so for the whole page; so does every token where a page with a
    picture has no word boxes.
    """
    if words.boxes is None:
        return Regions(boxes=None, spans=spans)
    boxes = np.tile(np.array(WHOLE_PAGE, np.float32), (len(spans), 1))
    if len(words):
        placed = spans[:, 1] > spans[:, 0]
        boxes[placed] = words.boxes[word_of(spans[placed], words.spans)]
    return Regions(boxes=boxes, spans=spans)
