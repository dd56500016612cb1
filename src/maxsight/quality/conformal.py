"""Intervals by split conformal prediction, from errors on documents left out.

The width follows the prediction: the error of a page predicted clean is smaller than that of one predicted half wrong.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from maxsight.types import Floats

DEFAULT_COVERAGE = 0.9
_MAX_KNOTS, _ERRORS_PER_KNOT = 12, 25
_MIN_ERROR = 0.003


@dataclass(frozen=True, slots=True, eq=False)
class Conformal:
    """Typical errors of predictions, and the intervals they give.

    Attributes:
        coverage: Share of intervals that hold the true value.
        knots: Predictions, ascending.
        errors: Mean absolute error at each knot.
        factor: Half width of an interval in typical errors; infinite if too few errors were seen.
    """

    coverage: float
    knots: Sequence[float]
    errors: Sequence[float]
    factor: float

    def compute_interval(self, predicted: Floats) -> tuple[Floats, Floats]:
        """Compute lower and upper ends, in [0, 1]. Shapes ``(pages,)``."""
        if math.isinf(self.factor):
            return np.zeros(len(predicted)), np.ones(len(predicted))
        half = self.factor * self.estimate_error(predicted)
        return np.clip(predicted - half, 0, 1), np.clip(predicted + half, 0, 1)

    def estimate_error(self, predicted: Floats) -> Floats:
        """Interpolate the typical error at each prediction. Shape ``(pages,)``."""
        return np.interp(predicted, self.knots, self.errors)


def fit_conformal(predicted: Floats, true: Floats, coverage: float = DEFAULT_COVERAGE) -> Conformal:
    """Fit intervals to predictions, shape ``(pages,)``, for documents that the model had not seen."""
    off = np.abs(predicted - true)
    knot_count = max(1, min(_MAX_KNOTS, len(off) // _ERRORS_PER_KNOT))
    parts = np.array_split(np.argsort(predicted, kind="stable"), knot_count)
    knots = [float(predicted[part].mean()) for part in parts]
    errors = [max(float(off[part].mean()), _MIN_ERROR) for part in parts]
    spread = np.interp(predicted, knots, errors)
    rank = math.ceil((len(off) + 1) * coverage)  # the finite-sample quantile of split conformal prediction
    factor = float(np.sort(off / spread)[rank - 1]) if rank <= len(off) else math.inf
    return Conformal(coverage, knots, errors, factor)
