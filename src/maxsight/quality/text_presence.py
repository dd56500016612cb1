"""Finds whether a picture shows text at all: a photograph or a blank page has no error rate."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from maxsight.encoders.patches.statistics import stretch

# Limits of a piece of ink that may be a character, or a word with joined characters: pixels, and share of its box.
_HEIGHT, _WIDTH, _MIN_AREA, _MIN_FILL = (5, 60), (2, 250), 9, 0.12
_BAND_PX = 12
_WINDOW_PX, _DARKER = 41, 40  # ink is this many levels darker than the mean around it
# Measured: 98 % of degraded pages reach both, and no photograph does.
MIN_IN_LINE, MIN_SHARE_IN_LINE = 12, 0.27
# Measured: one sample in 20 has fewer in line; the errors of its predictions are twice as large.
MIN_RELIABLE_IN_LINE = 100


@dataclass(frozen=True, slots=True)
class InkFound:
    """Counts of pieces of ink with the size of a character.

    Attributes:
        pieces: All of them.
        in_line: Those with a similar piece to their right.
        in_column: Those with a similar piece below, as on a page with sideways text.
    """

    pieces: int
    in_line: int
    in_column: int

    @property
    def is_text(self) -> bool:
        """Whether enough pieces stand in line, upright or sideways."""
        return self.aligned >= MIN_IN_LINE and self.aligned >= MIN_SHARE_IN_LINE * self.pieces

    @property
    def is_little_text(self) -> bool:
        """Whether there is so little text, as on a poster, that one word changes an error rate."""
        return self.aligned < MIN_RELIABLE_IN_LINE

    @property
    def is_sideways(self) -> bool:
        """Whether the text is sideways."""
        return self.is_text and self.in_column > 2 * self.in_line

    @property
    def aligned(self) -> int:
        """Pieces in line, upright or sideways."""
        return max(self.in_line, self.in_column)

    def __str__(self) -> str:
        return f"of {self.pieces:,} pieces of ink {self.in_line:,} stand in line like characters"


def find_text(picture: NDArray[np.uint8]) -> InkFound:
    """Count pieces of ink that stand like characters in a picture, grey or RGB."""
    grey = picture if picture.ndim == 2 else np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.uint8)
    if np.ptp(grey) == 0:
        return InkFound(0, 0, 0)
    softened = np.asarray(cv2.medianBlur(grey, 3), np.uint8)
    ink = cv2.adaptiveThreshold(
        stretch(softened), 1, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY_INV, _WINDOW_PX, _DARKER
    )
    _, _, boxes, _ = cv2.connectedComponentsWithStatsWithAlgorithm(ink, 8, cv2.CV_32S, cv2.CCL_BBDT)
    pieces = boxes[1:].astype(np.float32)  # the first is the paper
    width, height, area = pieces[:, 2:].T
    is_character = (
        (height >= _HEIGHT[0])
        & (height <= _HEIGHT[1])
        & (width >= _WIDTH[0])
        & (width <= _WIDTH[1])
        & (area >= _MIN_AREA)
        & (area > _MIN_FILL * width * height)
    )
    pieces = pieces[is_character]
    in_line, in_column = (
        max(_in_line(pieces[:, axes], shift) for shift in (0.0, 0.5)) for axes in ([0, 1, 2, 3], [1, 0, 3, 2])
    )
    return InkFound(len(pieces), in_line, in_column)


def _in_line(pieces: NDArray[np.float32], shift: float) -> int:
    """Count neighbours of similar height on one baseline, within bands of the page."""
    x, y, width, height = pieces.T
    band = np.floor((y + height / 2) / _BAND_PX + shift)
    order = np.lexsort((x, band))
    left, right = order[:-1], order[1:]
    taller = np.maximum(height[left], height[right])
    gap = x[right] - x[left] - width[left]
    apart = np.abs(y[right] + height[right] - y[left] - height[left])
    is_alike = np.abs(np.log(height[right] / height[left])) < 0.5
    is_near = (band[left] == band[right]) & (gap > -2) & (gap < 2 * taller) & (apart < 0.35 * taller)
    return int((is_alike & is_near).sum())
