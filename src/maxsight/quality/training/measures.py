"""Measures how well predictions agree with the truth, and how much better one predictor is than another."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import pearsonr, spearmanr
from sklearn.metrics import roc_auc_score

from maxsight.quality.familiarity import Groups
from maxsight.types import Floats

UNREADABLE_CER = 0.1
"""Triage looks for pages with a higher character error rate."""
_DRAWS = 1000


@dataclass(frozen=True, slots=True)
class Measures:
    """Agreement of predictions with the truth; NaN where a measure is undefined.

    Attributes:
        plcc: Pearson's correlation.
        srcc: Spearman's rank correlation.
        mae: Mean absolute error.
        rmse: Root mean squared error.
        triage_auc: Area under the ROC curve for pages above `UNREADABLE_CER`.
        count: Number of samples.
    """

    plcc: float
    srcc: float
    mae: float
    rmse: float
    triage_auc: float
    count: int


def measure(true: Floats, predicted: Floats) -> Measures:
    """Compare predictions with the truth. Shapes ``(pages,)``."""
    bad = true > UNREADABLE_CER
    ranks = len(true) > 2 and np.ptp(true) > 0 and np.ptp(predicted) > 0
    return Measures(
        plcc=float(pearsonr(true, predicted)[0]) if ranks else np.nan,
        srcc=float(spearmanr(true, predicted)[0]) if ranks else np.nan,
        mae=float(np.abs(true - predicted).mean()),
        rmse=float(np.sqrt(((true - predicted) ** 2).mean())),
        triage_auc=float(roc_auc_score(bad, predicted)) if 0 < bad.sum() < len(bad) else np.nan,
        count=len(true),
    )


def compare_srcc(true: Floats, one: Floats, other: Floats, documents: Groups) -> tuple[float, float, float]:
    """Compute how much higher the SRCC of ``one`` is than that of ``other``, with a 95 % interval over documents.

    Returns:
        The difference and the ends of its bootstrap interval.
    """
    random = np.random.default_rng(0)
    members = [np.flatnonzero(documents == name) for name in np.unique(documents)]
    differences = []
    for _ in range(_DRAWS):
        rows = np.concatenate([members[index] for index in random.integers(0, len(members), len(members))])
        differences.append(compute_srcc(true[rows], one[rows]) - compute_srcc(true[rows], other[rows]))
    low, high = np.nanpercentile(differences, [2.5, 97.5])
    return compute_srcc(true, one) - compute_srcc(true, other), float(low), float(high)


def compute_srcc(true: Floats, predicted: Floats) -> float:
    """Compute Spearman's rank correlation; NaN if one side is constant."""
    return float(spearmanr(true, predicted)[0]) if np.ptp(true) > 0 and np.ptp(predicted) > 0 else np.nan
