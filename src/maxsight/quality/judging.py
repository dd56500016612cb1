"""Is a prediction any good: measures, folds that keep documents whole, differences with their uncertainty."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import pearsonr, spearmanr
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold

from maxsight.errors import InputError

Array = NDArray[np.float64]
Groups = NDArray[np.str_]
Rows = NDArray[np.intp]
Fold = tuple[Rows, Rows]

UNREADABLE_CER = 0.1
"""Pages with more wrong characters are to be found by triage."""
MIN_SAMPLES = 30
MIN_DOCUMENTS = 3


@dataclass(frozen=True, slots=True)
class Measures:
    """How well predictions agree with the truth; NaN where a measure means nothing.

    Attributes:
        plcc: Pearson's correlation.
        srcc: Spearman's rank correlation.
        mae: Mean absolute error.
        rmse: Root of the mean squared error.
        triage_auc: Area under the ROC curve for pages above `UNREADABLE_CER`.
        count: Samples.
    """

    plcc: float
    srcc: float
    mae: float
    rmse: float
    triage_auc: float
    count: int


def measure(true: Array, predicted: Array) -> Measures:
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


def document_folds(documents: Groups, count: int = 5, seed: int = 0) -> list[Fold]:
    """Split samples so that no document is on both sides.

    Args:
        documents: Each sample's. Shape ``(samples,)``.
        count: Folds; fewer where there are fewer documents.
        seed: Which documents go together.

    Returns:
        Per fold, the rows to learn from and the rows to judge on.
    """
    count = min(count, len(np.unique(documents)))
    splitter = GroupKFold(count, shuffle=True, random_state=seed)
    return list(splitter.split(documents, groups=documents))


def check_samples(documents: Groups, target: Array) -> None:
    """Refuse what nothing can be learned from.

    Raises:
        InputError: Too few samples or documents, or all of one value.
    """
    known = len(np.unique(documents))
    if len(target) < MIN_SAMPLES or known < MIN_DOCUMENTS:
        of = "1 document" if known == 1 else f"{known} documents"
        raise InputError(
            f"{len(target)} samples of {of} are too few to learn from and to judge by",
            hint=f"Give at least {MIN_SAMPLES} samples of {MIN_DOCUMENTS} documents; hundreds make a useful model.",
        )
    if np.ptp(target) < 1e-9:
        raise InputError(
            f"all samples have the same error rate, {target[0]:.3f}: there is nothing to learn",
            hint="Include clean pages and degraded ones.",
        )


def bootstrap_difference(
    measure_of: Callable[[Array, Array], float],
    true: Array,
    one: Array,
    other: Array,
    documents: Groups,
    *,
    draws: int = 1000,
    seed: int = 0,
) -> tuple[float, float, float]:
    """How much better ``one`` predicts than ``other``, with a 95 % interval over documents drawn with replacement.

    Returns:
        The difference ``measure_of(true, one) - measure_of(true, other)``, and its interval's ends.
    """
    random = np.random.default_rng(seed)
    members = [np.flatnonzero(documents == name) for name in np.unique(documents)]
    differences = []
    for _ in range(draws):
        rows = np.concatenate([members[index] for index in random.integers(0, len(members), len(members))])
        differences.append(measure_of(true[rows], one[rows]) - measure_of(true[rows], other[rows]))
    low, high = np.nanpercentile(differences, [2.5, 97.5])
    return measure_of(true, one) - measure_of(true, other), float(low), float(high)


def srcc(true: Array, predicted: Array) -> float:
    """Spearman's rank correlation; NaN where one side has one value only."""
    return float(spearmanr(true, predicted)[0]) if np.ptp(true) > 0 and np.ptp(predicted) > 0 else np.nan
