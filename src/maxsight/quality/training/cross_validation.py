"""Predicts every sample by a regressor that saw neither the sample nor its document.

Splits keep documents whole. Parameters are chosen within each fold, on an inner split of its documents.
"""

from __future__ import annotations

from operator import itemgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import GroupKFold, ParameterGrid

from maxsight.errors import InputError
from maxsight.quality.familiarity import Groups
from maxsight.quality.training.regressors import Learner, QualityRegressor
from maxsight.types import Floats

Rows = NDArray[np.intp]
Fold = tuple[Rows, Rows]

MIN_SAMPLES = 30
MIN_DOCUMENTS = 3

GRIDS: dict[Learner, dict[str, list[Any]]] = {
    Learner.SVR: {"svr_cost": [1.0, 3.0], "svr_gamma": [0.25, 0.5]},
    Learner.LIGHTGBM: {"leaves": [15, 31]},
}
INNER_FOLDS = 3

Parameters = dict[str, Any]


def split_documents(documents: Groups, count: int = 5, seed: int = 0) -> list[Fold]:
    """Split samples so that no document is on both sides.

    Args:
        documents: Document of each sample. Shape ``(samples,)``.
        count: Number of folds; at most the number of documents.
        seed: Fixes which documents go together.

    Returns:
        Per fold, the rows to learn from and the rows to judge on.
    """
    count = min(count, len(np.unique(documents)))
    splitter = GroupKFold(count, shuffle=True, random_state=seed)
    return list(splitter.split(documents, groups=documents))


def check_samples(documents: Groups, target: Floats) -> None:
    """Check that something can be learned from samples.

    Raises:
        InputError: There are too few samples or documents, or all have one error rate.
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


def cross_predict(
    features: Floats,
    target: Floats,
    documents: Groups,
    learner: Learner,
    folds: list[Fold],
    *,
    tuned: bool = True,
    given: Parameters | None = None,
) -> Floats:
    """Predict each fold by a regressor fitted on the others.

    Args:
        features: Shape ``(samples, features)``.
        target: Error rates. Shape ``(samples,)``.
        documents: Document of each sample. Shape ``(samples,)``.
        learner: The regressor.
        folds: From `split_documents`.
        tuned: Choose parameters within each fold.
        given: Parameters that are not chosen.

    Returns:
        Shape ``(samples,)``, within [0, 1].
    """
    predicted = np.full(len(target), np.nan)
    for learn, judge in folds:
        chosen = given or {}
        if tuned:
            chosen = tune(features[learn], target[learn], documents[learn], learner, given=given)
        model = QualityRegressor(learner.value, **chosen).fit(features[learn], target[learn])
        predicted[judge] = model.predict(features[judge])
    return predicted


def tune(
    features: Floats,
    target: Floats,
    documents: Groups,
    learner: Learner,
    *,
    given: Parameters | None = None,
) -> Parameters:
    """Choose parameters by the mean absolute error on documents left out; return them with the given ones.

    The two learners of an average are tuned one by one.
    """
    folds = split_documents(documents, INNER_FOLDS, seed=1)
    chosen: Parameters = dict(given or {})
    for part in GRIDS if learner is Learner.AVERAGE else (learner,):
        tried = []
        for parameters in ParameterGrid(GRIDS[part]):
            predicted = cross_predict(
                features, target, documents, part, folds, tuned=False, given={**(given or {}), **parameters}
            )
            tried.append((float(np.abs(predicted - target).mean()), parameters))
        chosen |= min(tried, key=itemgetter(0))[1]
    return chosen
