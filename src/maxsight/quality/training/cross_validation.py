"""Predicts every sample by a regressor that saw neither the sample nor its document.

Parameters are chosen within each fold, on an inner split of its documents.
"""

from __future__ import annotations

from itertools import product
from operator import itemgetter
from typing import Any

import numpy as np

from maxsight.quality.familiarity import Groups
from maxsight.quality.training.folds import Fold, Rows, document_folds
from maxsight.quality.training.regressors import Learner, QualityRegressor
from maxsight.types import Floats

GRIDS: dict[Learner, dict[str, tuple[Any, ...]]] = {
    Learner.SVR: {"svr_cost": (1.0, 3.0), "svr_gamma": (0.25, 0.5)},
    Learner.LIGHTGBM: {"leaves": (15, 31)},
}
INNER_FOLDS = 3

Parameters = dict[str, Any]


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
        folds: From `document_folds`.
        tuned: Choose parameters within each fold.
        given: Parameters that are not chosen.

    Returns:
        Shape ``(samples,)``, within [0, 1].
    """
    predicted = np.full(len(target), np.nan)
    parameters = given or {}
    for learn, judge in folds:
        if tuned:
            parameters = tune(features[learn], target[learn], documents[learn], learner, given=given)
        predicted[judge] = fit_predict(features, target, learner, parameters, learn, judge)
    return predicted


def fit_predict(
    features: Floats, target: Floats, learner: Learner, parameters: Parameters, learn: Rows, judge: Rows
) -> Floats:
    """Fit on the rows ``learn`` and predict the rows ``judge``. Shape ``(judge,)``, within [0, 1]."""
    model = QualityRegressor(learner.value, **parameters).fit(features[learn], target[learn])
    return model.predict(features[judge])


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
    folds = document_folds(documents, INNER_FOLDS, seed=1)
    chosen: Parameters = dict(given or {})
    for part in GRIDS if learner is Learner.AVERAGE else (learner,):
        tried = []
        for values in product(*GRIDS[part].values()):
            parameters = dict(zip(GRIDS[part], values, strict=True))
            predicted = cross_predict(
                features, target, documents, part, folds, tuned=False, given={**(given or {}), **parameters}
            )
            tried.append((float(np.abs(predicted - target).mean()), parameters))
        chosen |= min(tried, key=itemgetter(0))[1]
    return chosen
