"""A fitted support vector machine as plain arrays, evaluated with numpy."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from maxsight.types import Floats


@dataclass(frozen=True, eq=False)
class SupportVectors:
    """Predicts ``arcsin(sqrt(error rate))`` with a Gaussian kernel.

    Attributes:
        centre: Mean of the features it was fitted on. Shape ``(features,)``.
        scale: Their standard deviations; a third of them for emphasised features. Shape ``(features,)``.
        low: Lower bound of each feature, in deviations. Shape ``(features,)``.
        high: Upper bound. Shape ``(features,)``.
        vectors: In deviations from the mean, in half precision. Shape ``(support, features)``.
        weights: Shape ``(support,)``.
        intercept: Added to the weighted sum.
        gamma: The kernel is ``exp(-gamma * distance**2)``.
    """

    centre: Floats
    scale: Floats
    low: Floats
    high: Floats
    vectors: NDArray[np.float16]
    weights: Floats
    intercept: float
    gamma: float

    def standardise(self, features: Floats) -> Floats:
        """Express features in deviations from the mean, clipped to the range seen in training."""
        return np.clip((features - self.centre) / self.scale, self.low, self.high)

    def predict(self, features: Floats) -> Floats:
        """Predict error rates, shape ``(pages,)``, from features of shape ``(pages, features)``."""
        arcsine = self._kernel(self.standardise(features)) @ self.weights + self.intercept
        return np.asarray(np.sin(np.clip(arcsine, 0, np.pi / 2)) ** 2)

    @cached_property
    def _exact(self) -> Floats:
        return self.vectors.astype(np.float64)

    @cached_property
    def _squares(self) -> Floats:
        return np.asarray((self._exact**2).sum(axis=1))

    def _kernel(self, standardised: Floats) -> Floats:
        squares = (standardised**2).sum(1)[:, None] + self._squares
        distance2 = squares - 2 * standardised @ self._exact.T
        return np.asarray(np.exp(-self.gamma * np.maximum(distance2, 0)))
