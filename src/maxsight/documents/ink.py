"""Finds what looks like lines of text in a small picture of a page, where no known word is.

It sees all that is drawn: pictures, strips, patterns, forms within forms, outlines of letters.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from maxsight.documents.geometry import Boxes

LOOK_DPI = 72
"""Resolution of the picture. Ten-point text has lines of 7 pixels, and drawing a page takes 3 ms."""

_MIN_CONTRAST = 24
_DARK = 128  # on darker paper, ink is what is lighter than the paper
_WINDOW_PX = 19  # a quarter inch: ink differs from the mean around it, and a shade does not
_GAP_PX = 9  # between the letters and words of a line
_MIN_HEIGHT_PX, _MAX_HEIGHT_PX = 4, 43
_MIN_ASPECT, _MAX_ASPECT = 2.5, 60.0
_MIN_FILL, _MAX_FILL = 0.1, 0.85
_MIN_INK_PX = 60
_RULE_PX = 36
# Ink beyond a word's box, as parts of its height: accents, tails and slanted letters.
_MARGIN = 0.25


def lines_outside(look: NDArray[np.uint8], boxes: Boxes) -> Boxes:
    """Find what looks like lines of text outside of the boxes of words.

    Args:
        look: The page in grey, at `LOOK_DPI`. Shape ``(height, width)``.
        boxes: Fractions of the page. Shape ``(words, 4)``.

    Returns:
        Fractions of the page. Shape ``(lines, 4)``.
    """
    height, width = look.shape
    mean = cv2.boxFilter(look, -1, (_WINDOW_PX, _WINDOW_PX))
    contrast = cv2.subtract(mean, look)
    cv2.copyTo(cv2.subtract(look, mean), (mean < _DARK).view(np.uint8), contrast)
    ink = (contrast > _MIN_CONTRAST).view(np.uint8)
    margin = _MARGIN * (boxes[:, 2:] - boxes[:, :2]).min(axis=1, keepdims=True, initial=1.0)
    low, high = (boxes[:, :2] - margin) * [width, height], (boxes[:, 2:] + margin) * [width, height]
    pixels = np.concatenate([np.floor(low), np.ceil(high) + 1], axis=1).clip(0).astype(int)
    for x0, y0, x1, y1 in pixels.tolist():
        ink[y0:y1, x0:x1] = 0
    if np.count_nonzero(ink) < _MIN_INK_PX:
        return np.zeros((0, 4), np.float32)
    x, y, across, down = cv2.boundingRect(ink)
    left, top = max(0, x - _RULE_PX), max(0, y - _RULE_PX)
    ink = ink[top : y + down + _RULE_PX, left : x + across + _RULE_PX]  # a quarter of most pages
    ink &= ~cv2.dilate(_rules(ink), np.ones((3, 3), np.uint8))
    joined = cv2.morphologyEx(ink, cv2.MORPH_CLOSE, np.ones((1, _GAP_PX), np.uint8))
    # Eight times as fast as connected components: most of a page is empty.
    found, _ = cv2.findContours(joined, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    lines = [(x, y, x + across, y + down) for x, y, across, down in map(cv2.boundingRect, found)]
    kept = [line for line in lines if _is_text(ink, *line)]
    placed = np.add(np.array(kept).reshape(-1, 4), [left, top, left, top])
    return (placed / [width, height, width, height]).astype(np.float32)


def _rules(ink: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Find lines that are longer than any stroke of a letter: of tables, frames and axes."""
    across, down = np.ones((1, _RULE_PX), np.uint8), np.ones((_RULE_PX, 1), np.uint8)
    return np.asarray(
        cv2.morphologyEx(ink, cv2.MORPH_OPEN, across) | cv2.morphologyEx(ink, cv2.MORPH_OPEN, down)
    )


def _is_text(ink: NDArray[np.uint8], x0: int, y0: int, x1: int, y1: int) -> bool:
    """Say whether ink has the size, the density and the strokes of a line of letters."""
    width, height = x1 - x0, y1 - y0
    if not (_MIN_HEIGHT_PX <= height <= _MAX_HEIGHT_PX and _MIN_ASPECT <= width / height <= _MAX_ASPECT):
        return False
    part = ink[y0:y1, x0:x1]
    if not _MIN_FILL < part.mean() < _MAX_FILL:
        return False
    middle = part[height // 3 : height - height // 3].astype(np.int8)
    changes = np.abs(np.diff(middle, axis=1)).sum(axis=1).mean()
    return bool(changes * height >= width)
