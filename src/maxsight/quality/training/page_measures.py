"""Features of the whole page: a predictor from patches has to beat one from these."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from maxsight.encoders.patches.grid import Grey

GLOBAL_FEATURES = (
    "laplacian", "level", "deviation", "noise", "range", "inner_range", "median", "ink", "edges", "stroke_width",
    "separation", "pieces", "piece_height", "speckles", "skew", "size",
)  # fmt: skip
_SKEWS = np.arange(-12, 12.1, 1.5)
_SKEW_WIDTH_PX = 400


def measure_page(picture: Grey) -> NDArray[np.float32]:
    """Measure a whole page by `GLOBAL_FEATURES`. Shape ``(16,)``."""
    levels = picture.astype(np.float32)
    low, lower, median, upper, high = np.percentile(picture, [1, 5, 50, 95, 99])
    threshold, ink = cv2.threshold(picture, 0, 255, cv2.THRESH_BINARY_INV + cv2.THRESH_OTSU)
    is_ink = picture <= threshold
    edges = float((cv2.Canny(picture, 50, 150) > 0).mean())
    kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
    noise = float(np.abs(cv2.filter2D(levels, -1, kernel)).mean()) * np.sqrt(np.pi / 2) / 6
    _, _, pieces, _ = cv2.connectedComponentsWithStats(np.asarray(ink, np.uint8))
    heights, areas = (pieces[1:, 3], pieces[1:, 4]) if len(pieces) > 1 else (np.zeros(1), np.zeros(1))
    separation = float(levels[~is_ink].mean() - levels[is_ink].mean()) if 0 < is_ink.mean() < 1 else 0.0
    share = float(is_ink.mean())
    return np.array(
        [
            np.log1p(cv2.Laplacian(levels, cv2.CV_32F).var()), levels.mean(), levels.std(), noise, high - low,
            upper - lower, median, share, edges, share / (edges + 1e-4), separation, np.log1p(len(pieces)),
            np.median(heights), (areas < 4).mean(), abs(_skew(np.asarray(ink, np.uint8))), np.log(picture.size),
        ],
        np.float32,
    )  # fmt: skip


def _skew(ink: Grey) -> float:
    """Find the rotation, in degrees, after which rows of ink and rows of paper differ most."""
    height, width = ink.shape
    rows = max(1, round(_SKEW_WIDTH_PX * height / width))
    small = cv2.resize(ink, (_SKEW_WIDTH_PX, rows), interpolation=cv2.INTER_AREA)

    def sharpness(degrees: float) -> float:
        turn = cv2.getRotationMatrix2D((_SKEW_WIDTH_PX / 2, rows / 2), float(degrees), 1)
        profile = cv2.warpAffine(small, turn, (_SKEW_WIDTH_PX, rows)).sum(axis=1, dtype=np.float64)
        return float((np.diff(profile) ** 2).sum())

    return float(max(_SKEWS, key=sharpness))
