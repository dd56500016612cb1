"""Placing the labels of outlined boxes: near their boxes, over as little ink as possible."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Box = tuple[float, float, float, float]
"""``x0, y0, x1, y1`` in pixels."""

STEP_PX = 4
CLEAR_PX = 3  # around a label
MIN_EDGE_CONTRAST = 24  # of 255 between neighbouring pixels: text and lines, not the paper's grain
INK_COST_PX = 50_000  # a label moves 500 px rather than cover ink of a hundredth of its area
OUTLINE_COST_PX = 3_000
LABEL_COST_PX = 1_000_000
BESIDE_PX = 40  # text on the same line within this distance looks like part of the label
BESIDE_COST_PX = 400
ASIDE_COST = (
    0.02  # per pixel of horizontal shift; breaks ties in favour of labels aligned left with their box
)
BELOW_COST_PX = 1.0


def place_labels(
    page: Image.Image, boxes: Sequence[Box], sizes: Sequence[tuple[int, int]]
) -> list[Box | None]:
    """Find a place for each label.

    Args:
        page: The page before anything is drawn on it. Its text must stay readable.
        boxes: The boxes that the labels name.
        sizes: Sizes of the labels, ``width, height`` in pixels.

    Returns:
        Place of each label, clear of the labels before it; None for a label that is larger than the page.
    """
    ink = _ink(page)
    placed: list[Box | None] = []
    for box, size in zip(boxes, sizes, strict=True):
        placed.append(_place(ink, box, size, boxes, [label for label in placed if label]))
    return placed


def _ink(page: Image.Image) -> NDArray[np.int64]:
    """Compute an integral image (summed-area table) of edge pixels. Shape ``(height + 1, width + 1)``."""
    grey = np.asarray(page.convert("L"), np.int16)
    edges = np.zeros(grey.shape, bool)
    edges[:, 1:] |= np.abs(np.diff(grey, axis=1)) > MIN_EDGE_CONTRAST
    edges[1:] |= np.abs(np.diff(grey, axis=0)) > MIN_EDGE_CONTRAST
    return np.pad(edges.cumsum(axis=0, dtype=np.int64).cumsum(axis=1), ((1, 0), (1, 0)))


def _ink_within(
    ink: NDArray[np.int64],
    lefts: NDArray[np.int64],
    tops: NDArray[np.int64],
    rights: NDArray[np.int64],
    bottoms: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Edge pixels within boxes that begin and end at these columns and rows. Shape ``(rows, columns)``."""
    return (
        ink[np.ix_(bottoms, rights)]
        - ink[np.ix_(tops, rights)]
        - ink[np.ix_(bottoms, lefts)]
        + ink[np.ix_(tops, lefts)]
    )


def _place(
    ink: NDArray[np.int64], box: Box, size: tuple[int, int], boxes: Sequence[Box], labels: Sequence[Box]
) -> Box | None:
    """The cheapest place. Costs are in pixels of distance from the box."""
    width, height = (edge + 2 * CLEAR_PX for edge in size)
    # The grid contains the place right above the box, aligned with its left edge.
    lefts = np.arange(round(box[0] - CLEAR_PX) % STEP_PX, ink.shape[1] - width, STEP_PX)
    tops = np.arange(round(box[1] - height) % STEP_PX, ink.shape[0] - height, STEP_PX)
    if not (len(lefts) and len(tops)):
        return None
    rights, bottoms = lefts + width, tops + height

    def meets(other: Box) -> NDArray[np.bool_]:
        beside = (lefts < other[2]) & (rights > other[0])
        level = (tops < other[3]) & (bottoms > other[1])
        return np.asarray(level[:, None] & beside)

    away_x = np.maximum(np.maximum(box[0] - rights, lefts - box[2]), 0)
    away_y = np.maximum(np.maximum(box[1] - bottoms, tops - box[3]), 0)
    covered = _ink_within(ink, lefts, tops, rights, bottoms)
    around = _ink_within(
        ink, np.maximum(lefts - BESIDE_PX, 0), tops, np.minimum(rights + BESIDE_PX, ink.shape[1] - 1), bottoms
    )
    on_another_line = ((bottoms <= box[1]) | (tops >= box[3]))[:, None]
    cost = np.hypot(away_x, away_y[:, None]) + INK_COST_PX * covered / (width * height)
    cost += BESIDE_COST_PX * on_another_line * (around - covered) / (2 * BESIDE_PX * height)
    cost += ASIDE_COST * np.abs(lefts + CLEAR_PX - box[0]) + BELOW_COST_PX * (tops > box[1])[:, None]
    for others, price in ((boxes, OUTLINE_COST_PX), (labels, LABEL_COST_PX)):
        for other in others:
            cost += price * meets(other)
    row, column = np.unravel_index(cost.argmin(), cost.shape)
    left, top = float(lefts[column]) + CLEAR_PX, float(tops[row]) + CLEAR_PX
    return left, top, left + size[0], top + size[1]
