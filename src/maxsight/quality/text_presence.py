"""Does a picture show text at all? A photograph or a blank page has no error rate."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from maxsight.encoders.patches.ink import local_ink
from maxsight.encoders.patches.statistics import stretch

# Pixels and shares of a piece of ink that may be a character.
_HEIGHT, _WIDTH, _LEAST_AREA, _LEAST_FILL = (5, 60), (2, 70), 9, 0.12
_BAND_PX = 12
# Measured: at least 0.2 of the pieces on 99 % of degraded pages have a neighbour in line; at most 0.19 on photographs.
MIN_IN_LINE, MIN_SHARE_IN_LINE = 12, 0.2


def missing_text(picture: NDArray[np.uint8]) -> str | None:
    """Say why a picture, grey or RGB, has nothing to be read; None if it shows text."""
    grey = picture if picture.ndim == 2 else np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.uint8)
    if np.ptp(grey) == 0:
        return "the page is blank"
    pieces, in_line = characters_in_line(grey)
    if in_line >= MIN_IN_LINE and in_line >= MIN_SHARE_IN_LINE * pieces:
        return None
    return f"no text can be made out: of {pieces:,} pieces of ink {in_line} stand in line like characters"


def characters_in_line(grey: NDArray[np.uint8]) -> tuple[int, int]:
    """Count pieces of ink of a character's size, and those with one like them to their right."""
    softened = np.asarray(cv2.medianBlur(grey, 3), np.uint8)
    ink = local_ink(stretch(softened))
    _, _, boxes, _ = cv2.connectedComponentsWithStatsWithAlgorithm(ink, 8, cv2.CV_32S, cv2.CCL_BBDT)
    pieces = boxes[1:].astype(np.float32)  # the first is the paper
    width, height, area = pieces[:, 2:].T
    is_character = (
        (height >= _HEIGHT[0])
        & (height <= _HEIGHT[1])
        & (width >= _WIDTH[0])
        & (width <= _WIDTH[1])
        & (area >= _LEAST_AREA)
        & (area > _LEAST_FILL * width * height)
    )
    pieces = pieces[is_character]
    return len(pieces), max(_in_line(pieces, shift) for shift in (0.0, 0.5))


def _in_line(pieces: NDArray[np.float32], shift: float) -> int:
    """Count neighbours in one of the bands the page is cut into, of similar height and on one baseline."""
    x, y, width, height, _ = pieces.T
    band = np.floor((y + height / 2) / _BAND_PX + shift)
    order = np.lexsort((x, band))
    left, right = order[:-1], order[1:]
    taller = np.maximum(height[left], height[right])
    gap = x[right] - x[left] - width[left]
    apart = np.abs(y[right] + height[right] - y[left] - height[left])
    is_alike = np.abs(np.log(height[right] / height[left])) < 0.5
    is_near = (band[left] == band[right]) & (gap > -2) & (gap < 2 * taller) & (apart < 0.35 * taller)
    return int((is_alike & is_near).sum())
