"""Where on a page OCR would fail: windows of patches are judged as if they were pages.

To leave out single patches shows less, since one patch of a thousand hardly moves a page.
"""

from __future__ import annotations

import numpy as np

from maxsight.quality.features import FeatureExtractor, PageVectors
from maxsight.quality.predictor import FittedTarget
from maxsight.types import Floats

WINDOW = 0.25
"""Share of the page's height and width."""
_STEP_SHARE = 0.25
_MIN_PATCHES = 4


def predict_windows(extractor: FeatureExtractor, fitted: FittedTarget, page: PageVectors) -> Floats:
    """Predict the error rate around each vector: the mean of the overlapping windows that hold it.

    Args:
        extractor: Pools the vectors.
        fitted: The model.
        page: The page's vectors.

    Returns:
        Error rates in [0, 1]. Shape ``(vectors,)``. A vector in no window gets the whole page's.
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
