"""Orders lines of text on a page: by columns of prose, else row by row."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Box = tuple[float, float, float, float]
LineIndices = NDArray[np.intp]

# A column of prose takes at least this share of the width, and its median line this share of the column.
MIN_COLUMN_SHARE = 0.25
MIN_FILLED_SHARE = 0.7


def reading_order(boxes: Sequence[Box]) -> list[int]:
    """Order lines by columns of prose, then from top to bottom, then from left to right.

    Where most lines are higher than wide, the page is rotated by 90 degrees and the text runs downwards.
    """
    sideways = sum(x1 - x0 < y1 - y0 for x0, y0, x1, y1 in boxes) * 2 > len(boxes)
    seen = np.array(
        [(y0, -x1, y1, -x0) if sideways else (x0, y0, x1, y1) for x0, y0, x1, y1 in boxes]
    ).reshape(-1, 4)
    quarter = (seen[:, 3] - seen[:, 1]) / 4  # Neighbouring lines may touch, but their middles do not.
    seen[:, 1] += quarter
    seen[:, 3] -= quarter
    return _cut_into_order(seen)


def _cut_into_order(boxes: NDArray[np.float64]) -> list[int]:
    """Order by the recursive XY cut: between columns of prose, else at the widest gap between rows."""
    order: list[int] = []
    uncut = [np.arange(len(boxes))]
    while uncut:
        lines = uncut.pop()
        parts = _split_columns(boxes, lines) or _split_at_widest_gap(boxes, lines, axis=1)
        if parts:
            uncut.extend(reversed(parts))
        else:
            order.extend(lines[np.argsort(boxes[lines, 0], kind="stable")].tolist())
    return order


def _split_columns(boxes: NDArray[np.float64], lines: LineIndices) -> tuple[LineIndices, LineIndices] | None:
    """Split at the widest gap between columns, if both sides are prose and not cells of a table."""
    parts = _split_at_widest_gap(boxes, lines, axis=0)
    if parts is None:
        return None
    width = boxes[lines, 2].max() - boxes[lines, 0].min()
    for part in parts:
        widths = boxes[part, 2] - boxes[part, 0]
        column = boxes[part, 2].max() - boxes[part, 0].min()
        if column < MIN_COLUMN_SHARE * width or np.median(widths) < MIN_FILLED_SHARE * column:
            return None
    return parts


def _split_at_widest_gap(
    boxes: NDArray[np.float64], lines: LineIndices, axis: int
) -> tuple[LineIndices, LineIndices] | None:
    """Split lines in two at the widest empty band; None without one."""
    ordered = lines[np.argsort(boxes[lines, axis], kind="stable")]
    gaps = boxes[ordered[1:], axis] - np.maximum.accumulate(boxes[ordered, axis + 2])[:-1]
    if not gaps.size or gaps.max() <= 0:
        return None
    cut = int(gaps.argmax()) + 1
    return ordered[:cut], ordered[cut:]
