"""Intervals that hold what they claim: conformal prediction from errors on documents that were left out.

The width follows the prediction: a page predicted clean is known better than one predicted half readable.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from maxsight.types import Floats

DEFAULT_COVERAGE = 0.9
_MOST_KNOTS, _ERRORS_PER_KNOT = 12, 25
_LEAST_ERROR = 0.003


@dataclass(frozen=True, slots=True, eq=False)
class Conformal:
    """How far predictions were off.

    Attributes:
        coverage: Share of intervals that hold the true value.
        knots: Predictions, ascending. Shape ``(knots,)``.
        errors: How far predictions there are off as a rule. Shape ``(knots,)``.
        factor: So many times that is the half width of an interval; infinite where too few errors were seen.
    """

    coverage: float
    knots: Floats
    errors: Floats
    factor: float

    def interval(self, predicted: Floats) -> tuple[Floats, Floats]:
        """Where the true error rates lie. Shapes ``(pages,)``, within [0, 1]."""
        if math.isinf(self.factor):
            return np.zeros(len(predicted)), np.ones(len(predicted))
        half = self.factor * self.typical_error(predicted)
        return np.clip(predicted - half, 0, 1), np.clip(predicted + half, 0, 1)

    def typical_error(self, predicted: Floats) -> Floats:
        """How far off a prediction is as a rule. Shape ``(pages,)``."""
        return np.interp(predicted, self.knots, self.errors)


def fit_conformal(predicted: Floats, true: Floats, coverage: float = DEFAULT_COVERAGE) -> Conformal:
    """Learn intervals from predictions for pages whose documents the model had not seen.

    Args:
        predicted: Shape ``(pages,)``.
        true: Shape ``(pages,)``.
        coverage: What is to be held.
    """
    off = np.abs(predicted - true)
    parts = np.array_split(
        np.argsort(predicted, kind="stable"), max(1, min(_MOST_KNOTS, len(off) // _ERRORS_PER_KNOT))
    )
    knots = np.array([predicted[part].mean() for part in parts])
    errors = np.maximum([off[part].mean() for part in parts], _LEAST_ERROR)
    spread = Conformal(coverage, knots, errors, 1.0).typical_error(predicted)
    rank = math.ceil((len(off) + 1) * coverage)  # the finite-sample quantile of split conformal prediction
    factor = float(np.sort(off / spread)[rank - 1]) if rank <= len(off) else math.inf
    return Conformal(coverage, knots, errors, factor)
