"""Where on a page OCR would fail: which patches lower the quality.

Three ways. With mean pooling, what the model adds to its starting point is shared out over the patches exactly. With
any pooling, patches can be left out and the change looked at, and windows of patches can be judged as if they were
pages: the sharpest of the three, since one patch of a thousand hardly moves a page.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from maxsight.quality.features import FeatureExtractor, PageVectors
from maxsight.quality.predictor import FittedTarget
from maxsight.types import Floats

WINDOW = 0.25
"""Of the page's height and width."""
_STEP_SHARE = 0.25
_MIN_PATCHES = 4


def window_heat(extractor: FeatureExtractor, fitted: FittedTarget, page: PageVectors) -> Floats:
    """Judge overlapping windows as pages; a patch's heat is the mean of the windows over it.

    Args:
        extractor: Pools the vectors.
        fitted: The model.
        page: A page's vectors.

    Returns:
        Predicted error rate around each vector. Shape ``(vectors,)``.
    """
    middles = (page.boxes[:, :2] + page.boxes[:, 2:]) / 2
    corners = np.arange(0, 1 - WINDOW + 1e-6, WINDOW * _STEP_SHARE)
    inside, features = [], []
    for top in corners:
        for left in corners:
            low = np.array([left, top], np.float32)
            rows = ((middles >= low) & (middles < low + np.float32(WINDOW + 1e-6))).all(axis=1)
            if rows.sum() >= _MIN_PATCHES:
                inside.append(rows)
                features.append(extractor.pool(page.vectors[rows]))
    everywhere = float(fitted.predict(extractor.pool(page.vectors)[None].astype(np.float64))[0])
    if not features:
        return np.full(len(page), everywhere)
    judged = fitted.predict(np.array(features, np.float64))
    covered = np.array(inside, np.float64)  # (windows, vectors)
    times = covered.sum(axis=0)
    return np.where(times > 0, judged @ covered / np.maximum(times, 1), everywhere)


def occlusion_heat(
    extractor: FeatureExtractor,
    fitted: FittedTarget,
    page: PageVectors,
    blocks: Sequence[NDArray[np.intp]] | None = None,
) -> Floats:
    """How much worse the page is for each vector: its prediction less that without the vector, or its block.

    Args:
        extractor: Pools the vectors.
        fitted: The model.
        page: A page's vectors.
        blocks: Rows that are left out together; each vector alone if not given.

    Returns:
        Shape ``(vectors,)``.
    """
    blocks = blocks or [np.array([row]) for row in range(len(page))]
    whole = fitted.predict(extractor.pool(page.vectors)[None].astype(np.float64))[0]
    heat = np.zeros(len(page))
    for block in blocks:
        rest = np.delete(page.vectors, block, axis=0)
        if len(rest):
            heat[block] = whole - fitted.predict(extractor.pool(rest)[None].astype(np.float64))[0]
    return heat
