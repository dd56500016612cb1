"""What is predicted of one page: error rates with intervals, or why there are none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from maxsight.types import Scalar


class Target(StrEnum):
    """What is predicted."""

    CER = "cer"
    """Wrong characters per character, at most 1."""
    WER = "wer"
    """Wrong words per word, at most 1."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A predicted error rate.

    Attributes:
        value: In [0, 1].
        low: The interval's lower end.
        high: Its upper end.
    """

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Prediction:
    """What is expected of OCR on one page.

    Attributes:
        estimates: By what is predicted; empty where no number is due.
        refusal: Why there is none; None if there is.
        warning: Why the numbers may be far off; None if there is no reason to think so.
    """

    estimates: Mapping[Target, Estimate] = field(default_factory=dict)
    refusal: str | None = None
    warning: str | None = None

    def page_fields(self) -> dict[str, Scalar]:
        """What a library keeps with the page: ``predicted_cer``, ``predicted_wer``, and ``quality_note`` if need be."""
        fields: dict[str, Scalar] = {
            f"predicted_{target}": round(estimate.value, 4) for target, estimate in self.estimates.items()
        }
        note = self.refusal or self.warning
        return fields | ({"quality_note": note} if note else {})
