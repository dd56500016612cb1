"""Predicts from a page's picture how much of it OCR will misread, or says why it can't."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maxsight.errors import InputError
from maxsight.pictures import PictureFit
from maxsight.quality.conformal import Conformal
from maxsight.quality.familiarity import Familiarity
from maxsight.quality.features import (
    FeatureExtractor,
    FeatureSpace,
    check_size,
    load_extractor,
)
from maxsight.quality.ocr import OcrReading
from maxsight.quality.ocr_features import compute_ocr_features
from maxsight.quality.prediction import Estimate, Prediction, Target
from maxsight.quality.support_vectors import SupportVectors
from maxsight.quality.text_presence import find_text
from maxsight.quality.trees import Trees
from maxsight.types import Floats, Scalar

DPI = 150
DARK_PAPER = 100
"""Of 255: a page is mostly paper, so its median is the paper's."""
SAMPLE_STEP = 8  # each eighth pixel tells it; all of a colour page take 60 ms
_NEEDS_OCR = "this model judges a page together with what OCR read on it"


@dataclass(frozen=True, slots=True, eq=False)
class FittedTarget:
    """A fitted model of one error rate. With both learners, the mean of their predictions counts.

    Attributes:
        support: A support vector machine, or None.
        trees: Boosted trees, or None.
        conformal: Makes the intervals.
    """

    support: SupportVectors | None
    trees: Trees | None
    conformal: Conformal

    def predict(self, features: Floats) -> Floats:
        """Predict error rates in [0, 1]. Shape ``(pages,)``."""
        return average_predictions(self.support, self.trees, features)


def average_predictions(support: SupportVectors | None, trees: Trees | None, features: Floats) -> Floats:
    """Average the predictions of the learners there are. Shape ``(pages,)``."""
    parts = [part.predict(features) for part in (support, trees) if part is not None]
    return np.asarray(np.mean(parts, axis=0))


class QualityPredictor:
    """A fitted model and the extractor of its features.

    Args:
        space: The space of the features it was fitted on.
        targets: The fitted models.
        familiarity: How far pages are from the samples.
        about: How it was made: versions, samples, scores.
        extractor: Makes the features; by default loaded by the name in ``space``.

    Raises:
        InputError: The extractor makes features of another space.
    """

    def __init__(
        self,
        space: FeatureSpace,
        targets: Mapping[Target, FittedTarget],
        familiarity: Familiarity,
        about: Mapping[str, Any],
        extractor: FeatureExtractor | None = None,
    ) -> None:
        self.space = space
        self.targets = dict(targets)
        self.familiarity = familiarity
        self.about = dict(about)
        name = space.encoder if space.encoder == "patches" else f"{space.encoder}:{space.dim}dim"
        self.extractor = extractor or load_extractor(name, space.pooling)
        if self.extractor.space != replace(space, with_ocr=False):
            raise InputError(
                f"the model was made for {space}, not for {self.extractor.space}",
                hint="Train it again: maxsight quality train.",
            )

    @cached_property
    def revision(self) -> str:
        """Fingerprint of the fitted models: another revision may predict other values."""
        digest = hashlib.sha256(str(self.space).encode())
        for target, fitted in sorted(self.targets.items()):
            digest.update(target.encode())
            if fitted.support is not None:
                digest.update(fitted.support.vectors.tobytes() + fitted.support.weights.tobytes())
            if fitted.trees is not None:
                digest.update(fitted.trees.text.encode())
        return f"{self.space.encoder}-{digest.hexdigest()[:12]}"

    @property
    def dpi(self) -> int:
        """The resolution of the pages it was trained on."""
        return max(self.about.get("dpi", ()), default=0) or DPI

    @property
    def picture(self) -> PictureFit:
        """The size of picture that it takes.

        Raises:
            InputError: It also needs what OCR read on the page.
        """
        if self.space.with_ocr:
            raise InputError(
                f"{_NEEDS_OCR}, and here there is only the picture",
                hint="Take one that was trained without --with-ocr.",
            )
        return self.extractor.picture

    def page_fields(self, picture: NDArray[np.uint8]) -> dict[str, Scalar]:
        """Predict for one page; return ``predicted_cer``, ``predicted_wer``, ``quality_note``."""
        return self.predict(picture).page_fields()

    def predict(self, picture: NDArray[np.uint8], reading: OcrReading | None = None) -> Prediction:
        """Predict for one page.

        Args:
            picture: Grey ``(height, width)`` or RGB ``(height, width, 3)``, uint8, upright.
            reading: What OCR read, for a model with OCR features.

        Raises:
            InputError: The model needs ``reading``.
        """
        if self.space.with_ocr and reading is None:
            raise InputError(_NEEDS_OCR, hint="Give the reading as well.")
        try:
            check_size(picture)
        except InputError as error:
            return Prediction(refusal=str(error))
        sample = picture[::SAMPLE_STEP, ::SAMPLE_STEP]
        if np.median(sample.mean(axis=2) if sample.ndim == 3 else sample) < DARK_PAPER:
            picture = 255 - picture  # light ink on dark paper is read as well as its negative
        found = find_text(picture)
        if not found.pieces:
            return Prediction(
                refusal="no text can be made out: the page is blank, far too pale, or has nothing of a character's size"
            )
        if not found.is_text:
            return Prediction(refusal=f"no text can be made out: {found}")
        notes = []
        if found.is_sideways:
            picture = np.ascontiguousarray(np.rot90(picture))
            notes.append("the text is sideways; predicted as if rotated upright")
        if found.is_little_text:
            notes.append(
                f"little text to judge by, as on a poster or a cover: {found.aligned} characters or so"
            )
        page = self.extractor.vectors(picture)
        if not len(page):
            return Prediction(refusal="the page is blank", warning="; ".join(notes) or None)
        pooled = self.extractor.pool(page.vectors)
        if self.space.with_ocr and reading is not None:
            read = compute_ocr_features(reading.confidence, reading.words.text, found)
            pooled = np.concatenate([pooled, read])
        features = pooled.astype(np.float64)
        if unfamiliar := self._warning(features):
            notes.append(unfamiliar)
        return Prediction(self._estimate(features[None]), warning="; ".join(notes) or None)

    def _estimate(self, features: Floats) -> dict[Target, Estimate]:
        estimates = {}
        for target, fitted in self.targets.items():
            value = fitted.predict(features)
            low, high = fitted.conformal.compute_interval(value)
            estimates[target] = Estimate(float(value[0]), float(low[0]), float(high[0]))
        return estimates

    def _warning(self, features: Floats) -> str | None:
        distance = float(self.familiarity.measure_distance(features)[0])
        if distance <= self.familiarity.farthest:
            return None
        return "the rate may be far off: the page is unlike any page learned from"
