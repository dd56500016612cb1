"""Where the pieces of a text stand: in which word, and where on the page."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from maxsight.types import Regions, Words

WHOLE_PAGE = np.array([0, 0, 1, 1], np.float32)
"""The box of a vector that stands for no part of the page in particular."""


def word_of(spans: NDArray[np.int32], words: NDArray[np.int32]) -> NDArray[np.intp]:
    """Find the word each span starts in: the last one that starts no later, else the first.

    Args:
        spans: Shape ``(spans, 2)``.
        words: At least one, ascending. Shape ``(words, 2)``.
    """
    return np.maximum(np.searchsorted(words[:, 0], spans[:, 0], side="right") - 1, 0)


def regions_of(spans: NDArray[np.int32], words: Words) -> Regions:
    """Give each piece its own span and the box of its word.

    A page with a picture but no word boxes gives its pieces the whole page.
    """
    if words.boxes is None:
        return Regions(boxes=None, spans=spans)
    if len(words) == 0:
        return Regions(boxes=np.tile(WHOLE_PAGE, (len(spans), 1)), spans=spans)
    return Regions(boxes=words.boxes[word_of(spans, words.spans)], spans=spans)
