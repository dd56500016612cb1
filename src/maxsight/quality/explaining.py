"""Where on a page OCR would fail: which patches lower the quality.

Three ways. With mean pooling, what the model adds to its starting point is shared out over the patches exactly. With
any pooling, patches can be left out and the change looked at, and windows of patches can be judged as if they were
pages: the sharpest of the three, since one patch of a thousand hardly moves a page.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from maxsight.errors import InputError
from maxsight.quality.features import FeatureExtractor, PagePooling, PageVectors
from maxsight.quality.predictor import FittedTarget
from maxsight.quality.regressors import SupportVectors, Trees

Array = NDArray[np.float64]

WINDOW = 0.25
"""Of the page's height and width."""
_STEP_SHARE = 0.25
_MIN_PATCHES = 4
_PATH_STEPS = 256
_NEGLIGIBLE = 1e-9


def window_heat(extractor: FeatureExtractor, fitted: FittedTarget, page: PageVectors) -> Array:
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
) -> Array:
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


def mean_contributions(
    extractor: FeatureExtractor, fitted: FittedTarget, page: PageVectors
) -> tuple[Array, float]:
    """Share a prediction out over a page's vectors. For mean pooling, where each has the same say.

    Args:
        extractor: Pools by the mean.
        fitted: The model.
        page: A page's vectors.

    Returns:
        What each vector adds, shape ``(vectors,)``, and what they add to. Their sum is the prediction.

    Raises:
        InputError: The pooling is another.
    """
    if extractor.space.pooling is not PagePooling.MEAN:
        raise InputError(
            f"{extractor.space.pooling} pooling can't be shared out over patches",
            hint="Use windows or occlusion.",
        )
    vectors = page.vectors.astype(np.float64)
    parts = [
        _of_support(part, vectors) if isinstance(part, SupportVectors) else _of_trees(part, vectors)
        for part in (fitted.support, fitted.trees)
        if part is not None
    ]
    return np.mean([shares for shares, _ in parts], axis=0), float(np.mean([base for _, base in parts]))


def _of_support(support: SupportVectors, vectors: Array) -> tuple[Array, float]:
    """Integrated gradients from the mean page to this one (Sundararajan, Taly and Yan, 2017).

    They are taken on the arcsine that the machine has learned, then scaled to what the error rate gains.
    """
    mean = vectors.mean(axis=0, keepdims=True)
    end = support.standardise(mean)[0]
    steps = (np.arange(_PATH_STEPS) + 0.5) / _PATH_STEPS
    slope = support.gradient(steps[:, None] * end).mean(axis=0)
    base = support.predict(support.centre[None])[0]
    shares = _shared(slope * end, (vectors - support.centre) / support.scale)
    return _summing_to(shares, support.predict(mean)[0] - base), float(base)


def _of_trees(trees: Trees, vectors: Array) -> tuple[Array, float]:
    """What each feature adds by TreeSHAP, shared out by how far each vector pulls the feature from zero deviation."""
    mean = vectors.mean(axis=0, keepdims=True)
    added = trees.contributions(mean)[0]
    base = 1 / (1 + np.exp(-added[-1]))
    shares = _shared(added[:-1], vectors - np.median(vectors, axis=0))
    return _summing_to(shares, trees.predict(mean)[0] - base), float(base)


def _summing_to(shares: Array, gained: float) -> Array:
    """Shares of what a learner adds up, as shares of the error rate: on the line through both ends of its curve."""
    total = shares.sum()
    slope = np.clip(gained / total, 0, 1) if abs(total) > _NEGLIGIBLE else 0.0
    scaled = shares * slope
    return np.asarray(scaled + (gained - scaled.sum()) / len(shares))


def _shared(added: Array, pulls: Array) -> Array:
    """Share what each feature adds in proportion to the vectors' pulls; evenly where they cancel out."""
    total = pulls.sum(axis=0)
    count = len(pulls)
    spread = np.abs(pulls).sum(axis=0)
    cancels = np.abs(total) <= np.maximum(0.02 * spread, _NEGLIGIBLE)
    share = np.where(cancels, 1 / count, pulls / np.where(cancels, 1, total))
    return np.asarray(share @ added)
