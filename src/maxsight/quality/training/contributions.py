"""What each vector of a page adds to its predicted error rate, for mean pooling."""

from __future__ import annotations

import lightgbm
import numpy as np

from maxsight.errors import InputError
from maxsight.quality.features import FeatureExtractor, PagePooling, PageVectors
from maxsight.quality.predictor import FittedTarget
from maxsight.quality.support_vectors import SupportVectors
from maxsight.quality.trees import Trees
from maxsight.types import Floats

_PATH_STEPS = 256
_NEGLIGIBLE = 1e-9


def mean_contributions(
    extractor: FeatureExtractor, fitted: FittedTarget, page: PageVectors
) -> tuple[Floats, float]:
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


def _of_support(support: SupportVectors, vectors: Floats) -> tuple[Floats, float]:
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


def _of_trees(trees: Trees, vectors: Floats) -> tuple[Floats, float]:
    """What each feature adds by TreeSHAP, shared out by how far each vector pulls the feature from zero deviation."""
    mean = vectors.mean(axis=0, keepdims=True)
    booster = lightgbm.Booster(model_str=trees.text)
    added = np.asarray(booster.predict(mean, num_threads=1, pred_contrib=True))[0]
    base = 1 / (1 + np.exp(-added[-1]))
    shares = _shared(added[:-1], vectors - np.median(vectors, axis=0))
    return _summing_to(shares, trees.predict(mean)[0] - base), float(base)


def _summing_to(shares: Floats, gained: float) -> Floats:
    """Shares of what a learner adds up, as shares of the error rate: on the line through both ends of its curve."""
    total = shares.sum()
    slope = np.clip(gained / total, 0, 1) if abs(total) > _NEGLIGIBLE else 0.0
    scaled = shares * slope
    return np.asarray(scaled + (gained - scaled.sum()) / len(shares))


def _shared(added: Floats, pulls: Floats) -> Floats:
    """Share what each feature adds in proportion to the vectors' pulls; evenly where they cancel out."""
    total = pulls.sum(axis=0)
    count = len(pulls)
    spread = np.abs(pulls).sum(axis=0)
    cancels = np.abs(total) <= np.maximum(0.02 * spread, _NEGLIGIBLE)
    share = np.where(cancels, 1 / count, pulls / np.where(cancels, 1, total))
    return np.asarray(share @ added)
