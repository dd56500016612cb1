"""Boxes on rotated pages, and pictures that fit a limit."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Boxes = NDArray[np.float32]


def rotate_boxes(boxes: NDArray[np.floating], degrees: int) -> Boxes:
    """Rotate boxes clockwise with their page.

    Args:
        boxes: ``x0, y0, x1, y1`` in fractions of the page, origin top left. Shape ``(boxes, 4)``.
        degrees: 0, 90, 180 or 270.

    Returns:
        Fractions of the rotated page. Shape ``(boxes, 4)``.
    """
    x0, y0, x1, y1 = boxes.T
    rotated = {
        0: (x0, y0, x1, y1),
        90: (1 - y1, x0, 1 - y0, x1),
        180: (1 - x1, 1 - y1, 1 - x0, 1 - y0),
        270: (y0, 1 - x1, y1, 1 - x0),
    }[degrees % 360]
    return np.stack(rotated, axis=1).astype(np.float32)


def clip_boxes(boxes: NDArray[np.floating]) -> Boxes:
    """Clip boxes to [0, 1] and sort their corners. Shape ``(boxes, 4)``."""
    clipped = np.nan_to_num(boxes, nan=0.0).clip(0, 1)
    low, high = clipped[:, :2], clipped[:, 2:]
    return np.concatenate([np.minimum(low, high), np.maximum(low, high)], axis=1).astype(np.float32)


def fitting_dpi(width_pt: float, height_pt: float, dpi: float, max_pixels: int) -> float:
    """Find the resolution, at most ``dpi``, at which a page has no more than ``max_pixels``."""
    pixels = (width_pt * dpi / 72) * (height_pt * dpi / 72)
    return dpi if pixels <= max_pixels else dpi * float(np.sqrt(max_pixels / pixels)) * 0.999
