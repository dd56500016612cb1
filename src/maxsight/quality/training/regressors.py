"""The learners: a support vector machine, boosted trees, or the mean of both, as one scikit-learn regressor.

An error rate is a share: near 0 a difference of 0.01 means much, in the middle little. So the machine learns
``arcsin(sqrt(rate))``, whose spread is even (Anscombe, 1948), and the trees minimise the cross-entropy. On documents
left out, both rank better so and have smaller errors.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from enum import StrEnum
from typing import Self

import lightgbm
import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.svm import SVR
from sklearn.utils.validation import check_is_fitted, validate_data

from maxsight.quality.predictor import average_predictions
from maxsight.quality.support_vectors import SupportVectors
from maxsight.quality.trees import Trees
from maxsight.types import Floats

# Features are clipped to the range seen in training and this share of it: neither learner knows anything beyond.
_MARGIN = 0.1
_EMPHASIS = 3.0


class Learner(StrEnum):
    """The kind of regressor."""

    SVR = "svr"
    LIGHTGBM = "lightgbm"
    AVERAGE = "average"
    """The mean of both, which ranks better than either."""


@dataclass(eq=False, repr=False)
class QualityRegressor(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Predicts an error rate from a page's features, by scikit-learn's conventions.

    Attributes:
        learner: ``svr``, ``lightgbm`` or ``average``.
        svr_cost: Cost of an error beyond ``svr_tolerance``.
        svr_gamma: Of the kernel, times the number of features.
        svr_tolerance: Errors up to it cost nothing.
        emphasised: This many of the last features count three times as much to the machine: the few OCR features
            would drown in distances over the many of the page's look.
        rounds: Number of trees.
        leaves: Maximum per tree.
        learning_rate: Weight of each tree.
        min_leaf: Minimum samples in a leaf.
        feature_share: Share of the features drawn for each tree.
        random_state: Seed of the trees.
    """

    learner: str = Learner.AVERAGE.value
    _: KW_ONLY
    svr_cost: float = 3.0
    svr_gamma: float = 0.5
    svr_tolerance: float = 0.02
    emphasised: int = 0
    rounds: int = 400
    leaves: int = 31
    learning_rate: float = 0.03
    min_leaf: int = 20
    feature_share: float = 0.2
    random_state: int = 0

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Learn.

        Args:
            X: Shape ``(pages, features)``.
            y: Error rates, in [0, 1]. Shape ``(pages,)``.

        Raises:
            ValueError: An error rate is outside [0, 1].
        """
        features, target = validate_data(self, X, y, dtype=np.float64, y_numeric=True)
        if target.min() < 0 or target.max() > 1:
            raise ValueError(f"error rates lie in [0, 1], got {target.min():.3g} to {target.max():.3g}")
        learner = Learner(self.learner)
        self.support_ = None if learner is Learner.LIGHTGBM else self._fit_support(features, target)
        self.trees_ = None if learner is Learner.SVR else self._fit_trees(features, target)
        return self

    def predict(self, X: ArrayLike) -> Floats:
        """Predict error rates in [0, 1]. Shape ``(pages,)``."""
        check_is_fitted(self, "support_")
        features = validate_data(self, X, dtype=np.float64, reset=False)
        return average_predictions(self.support_, self.trees_, features)

    def _fit_support(self, features: Floats, target: Floats) -> SupportVectors:
        centre, deviation = features.mean(axis=0), features.std(axis=0)
        weights = np.ones(features.shape[1])
        weights[len(weights) - self.emphasised :] = _EMPHASIS
        scale = np.where(deviation > 1e-9, deviation, 1.0) / weights
        standard = (features - centre) / scale
        low, high = standard.min(axis=0), standard.max(axis=0)
        margin = _MARGIN * (high - low)
        gamma = self.svr_gamma / float((weights**2).sum())
        machine = SVR(C=self.svr_cost, gamma=gamma, epsilon=self.svr_tolerance, cache_size=500)
        machine.fit(standard, np.arcsin(np.sqrt(target)))
        return SupportVectors(
            centre,
            scale,
            low - margin,
            high + margin,
            np.asarray(machine.support_vectors_, np.float16),  # a model takes a quarter of the space
            np.asarray(machine.dual_coef_[0], np.float64),
            float(machine.intercept_[0]),
            gamma,
        )

    def _fit_trees(self, features: Floats, target: Floats) -> Trees:
        parameters = {
            "objective": "cross_entropy",
            "num_leaves": self.leaves,
            "learning_rate": self.learning_rate,
            "max_bin": 63,
            "min_data_in_leaf": self.min_leaf,
            "feature_fraction": self.feature_share,
            "bagging_fraction": 0.8,
            "bagging_freq": 1,
            "lambda_l2": 1.0,
            "seed": self.random_state,
            "deterministic": True,
            "force_row_wise": True,
            "num_threads": 1,  # LightGBM takes every core by default
            "verbosity": -1,
        }
        data = lightgbm.Dataset(features, target, params={"verbosity": -1})
        return Trees(lightgbm.train(parameters, data, num_boost_round=self.rounds).model_to_string())
