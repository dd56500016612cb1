"""Fits regressors and predicts every sample by one that knew neither it nor its document.

Parameters are chosen within each fold, by an inner split of the documents it learns from.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product
from operator import itemgetter
from typing import Any

import numpy as np

from maxsight.quality.judging import Array, Fold, Groups, document_folds
from maxsight.quality.regressors import Learner, QualityRegressor

SVR_GRID = {"svr_cost": (1.0, 3.0), "svr_gamma": (0.25, 0.5)}
TREES_GRID = {"leaves": (15, 31)}
INNER_FOLDS = 3

Parameters = dict[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class CrossPrediction:
    """What was predicted for samples whose documents were left out.

    Attributes:
        predicted: Held to [0, 1]. Shape ``(samples,)``.
        parameters: Chosen, per fold.
    """

    predicted: Array
    parameters: tuple[Parameters, ...]


def cross_predict(
    features: Array,
    target: Array,
    documents: Groups,
    learner: Learner,
    folds: list[Fold],
    *,
    tuned: bool = True,
    given: Parameters | None = None,
) -> CrossPrediction:
    """Predict each fold by a regressor fitted on the others.

    Args:
        features: Shape ``(samples, features)``.
        target: Error rates. Shape ``(samples,)``.
        documents: Each sample's. Shape ``(samples,)``.
        learner: What is fitted.
        folds: From `document_folds`.
        tuned: Choose parameters within each fold.
        given: Parameters that are not chosen.
    """
    predicted = np.full(len(target), np.nan)
    chosen = []
    for learn, judge in folds:
        parameters = dict(given or {})
        if tuned:
            parameters |= tune(features[learn], target[learn], documents[learn], learner, given=given)
        model = QualityRegressor(learner.value, **parameters).fit(features[learn], target[learn])
        predicted[judge] = np.clip(model.predict(features[judge]), 0, 1)
        chosen.append(parameters)
    return CrossPrediction(predicted, tuple(chosen))


def tune(
    features: Array,
    target: Array,
    documents: Groups,
    learner: Learner,
    *,
    given: Parameters | None = None,
) -> Parameters:
    """Choose parameters by the absolute error on documents left out, beside those that are given.

    An average's learners are tuned one by one.
    """
    folds = document_folds(documents, INNER_FOLDS, seed=1)
    grids: dict[Learner, dict[str, tuple[Any, ...]]] = {Learner.SVR: SVR_GRID, Learner.LIGHTGBM: TREES_GRID}
    parts = grids if learner is Learner.AVERAGE else {learner: grids[learner]}
    chosen: Parameters = dict(given or {})
    for part, grid in parts.items():
        tried = [
            (_error(features, target, documents, part, folds, {**(given or {}), **parameters}), parameters)
            for parameters in _combinations(grid)
        ]
        chosen |= min(tried, key=itemgetter(0))[1]
    return chosen


def _error(
    features: Array,
    target: Array,
    documents: Groups,
    learner: Learner,
    folds: list[Fold],
    parameters: Parameters,
) -> float:
    known = cross_predict(features, target, documents, learner, folds, tuned=False, given=parameters)
    return float(np.abs(known.predicted - target).mean())


def _combinations(grid: dict[str, tuple[Any, ...]]) -> Iterable[Parameters]:
    return (dict(zip(grid, values, strict=True)) for values in product(*grid.values()))
