"""Which words of a text layer a person can see.

A word is not seen if its place has only one colour: it is clipped away, under a shape, as white as the paper, or part
of a layer (optional content) that is switched off. A small picture of the page shows it in all these cases.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from maxsight.documents.geometry import Boxes

# Lines and neighbours reach into a word's box, so its edges are left out. In shares of the shorter side.
MARGIN = 0.15
# Hidden text over a scan may be off its line by about its own height.
SCAN_MARGIN = -0.75


def visible_words(
    pixels: NDArray[np.uint8], tokens: Sequence[str], boxes: Boxes, pictures: Callable[[], Boxes]
) -> NDArray[np.bool_]:
    """Find the words that are seen. Words without a letter or digit are taken to be: a dash has little ink.

    Args:
        pixels: The page as it is drawn, small and grey. Shape ``(height, width)``.
        tokens: Its words.
        boxes: One per word, in fractions of the page. Shape ``(words, 4)``.
        pictures: Finds the places of the page's pictures. Text over them may be that of a scan.

    Returns:
        Shape ``(words,)``.
    """
    seen = _cross_ink(pixels, boxes)
    for word in np.flatnonzero(~seen).tolist():
        has_letters = any(character.isalnum() for character in tokens[word])
        seen[word] = not has_letters or _has_ink(pixels, boxes[word], MARGIN)
    unsure = np.flatnonzero(~seen).tolist()
    scans = pictures() if unsure else boxes[:0]
    for word in unsure:
        middle = (boxes[word, :2] + boxes[word, 2:]) / 2
        is_on_scan = ((scans[:, :2] <= middle) & (middle <= scans[:, 2:])).all(axis=1).any()
        seen[word] = is_on_scan and _has_ink(pixels, boxes[word], SCAN_MARGIN)
    return seen


def _cross_ink(pixels: NDArray[np.uint8], boxes: Boxes) -> NDArray[np.bool_]:
    """Say which boxes have more than one shade in the row through their middle. Most words do."""
    height, width = pixels.shape
    left, right = (boxes[:, [0, 2]] * width).astype(int).clip(0, width - 1).T
    middle = ((boxes[:, 1] + boxes[:, 3]) / 2 * height).astype(int).clip(0, height - 1)
    rows, row = np.unique(middle, return_inverse=True)
    changes = np.zeros((len(rows), width), np.int32)
    np.cumsum(pixels[rows, 1:] != pixels[rows, :-1], axis=1, out=changes[:, 1:])
    return np.asarray(changes[row, right] > changes[row, left])


def _has_ink(pixels: NDArray[np.uint8], box: NDArray[np.float32], margin: float) -> bool:
    """Say whether a box has more than one shade, without a margin in shares of its shorter side."""
    height, width = pixels.shape
    x0, y0, x1, y1 = box.astype(np.float64) * [width, height, width, height]
    inset = margin * min(x1 - x0, y1 - y0)
    rows = slice(max(0, int(y0 + inset)), max(int(y0 + inset) + 1, int(np.ceil(y1 - inset))))
    cols = slice(max(0, int(x0 + inset)), max(int(x0 + inset) + 1, int(np.ceil(x1 - inset))))
    inside = pixels[rows, cols]
    return bool(inside.size and inside.min() != inside.max())
