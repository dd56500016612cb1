"""The prediction for one page: error rates with intervals, or the reason for refusing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from maxsight.types import Scalar


class Target(StrEnum):
    """An error rate, at most 1."""

    CER = "cer"
    """Wrong characters per character."""
    WER = "wer"
    """Wrong words per word."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A predicted error rate, in [0, 1].

    Attributes:
        value: The prediction.
        low: Lower end of its interval.
        high: Upper end.
    """

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Prediction:
    """The error rates expected of OCR on one page.

    Attributes:
        estimates: By error rate; empty if refused.
        refusal: Why there are no estimates; None if there are.
        warning: Why the estimates may be far off; None without a reason.
    """

    estimates: Mapping[Target, Estimate] = field(default_factory=dict)
    refusal: str | None = None
    warning: str | None = None

    def page_fields(self) -> dict[str, Scalar]:
        """Make a library page's fields: ``predicted_cer``, ``predicted_wer``, ``quality_note`` if there is one."""
        fields: dict[str, Scalar] = {
            f"predicted_{target}": round(estimate.value, 4) for target, estimate in self.estimates.items()
        }
        note = self.refusal or self.warning
        return fields | ({"quality_note": note} if note else {})
