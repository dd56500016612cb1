"""Will OCR read this page? Asks a fitted model, says how sure it is, and says so where no number is due."""

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
    PageVectors,
    check_size,
    load_extractor,
)
from maxsight.quality.ocr import OcrReading
from maxsight.quality.ocr_features import ocr_features
from maxsight.quality.prediction import Estimate, Prediction, Target
from maxsight.quality.support_vectors import SupportVectors
from maxsight.quality.text_presence import find_text
from maxsight.quality.trees import Trees
from maxsight.types import Scalar

DPI = 150


@dataclass(frozen=True, slots=True, eq=False)
class FittedTarget:
    """What was learned of one error rate.

    Attributes:
        support: A support vector machine, or None.
        trees: Boosted trees, or None. Where both are there, their mean counts.
        conformal: How far off predictions are.
    """

    support: SupportVectors | None
    trees: Trees | None
    conformal: Conformal

    def predict(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Predict error rates within [0, 1]. Shape ``(pages,)``."""
        parts = [part.predict(features) for part in (self.support, self.trees) if part is not None]
        return np.asarray(np.clip(np.mean(parts, axis=0), 0, 1))


class QualityPredictor:
    """A fitted model with what makes its features.

    Args:
        space: Of the features it was fitted on.
        targets: What was learned.
        familiarity: What the samples looked like.
        about: How it was made: versions, samples, scores.
        extractor: Makes the features; loaded by the space's name if not given.

    Raises:
        InputError: The extractor makes other features.
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
        self._extractor = extractor or load_extractor(_features_name(space), space.pooling)
        if self._extractor.space != _without_ocr(space):
            raise InputError(
                f"the model was made for {space}, not for {self._extractor.space}",
                hint="Train it again: maxsight quality train.",
            )

    @property
    def extractor(self) -> FeatureExtractor:
        """What makes the features."""
        return self._extractor

    @cached_property
    def revision(self) -> str:
        """Fingerprint of what was learned: another one may predict otherwise."""
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
        """At which the pages it learned from were drawn."""
        return max(self.about.get("dpi", ()), default=0) or DPI

    @property
    def picture(self) -> PictureFit:
        """The picture that it judges a page by.

        Raises:
            InputError: It judges a page together with what OCR read on it.
        """
        if self.space.with_ocr:
            raise InputError(
                "this model judges a page together with what OCR read on it, and here there is only the picture",
                hint="Take one that was trained without --with-ocr.",
            )
        assert self._extractor.encoder.picture is not None  # an extractor looks at pages
        return self._extractor.encoder.picture

    def page_fields(self, picture: NDArray[np.uint8]) -> dict[str, Scalar]:
        """What a library keeps with a page: ``predicted_cer``, ``predicted_wer``, ``quality_note``."""
        return self.predict(picture).page_fields()

    def predict(self, picture: NDArray[np.uint8], reading: OcrReading | None = None) -> Prediction:
        """Predict for one page.

        Args:
            picture: Grey ``(height, width)`` or RGB ``(height, width, 3)``, uint8, upright.
            reading: What OCR read, for a model that takes it into account.

        Raises:
            InputError: The model needs the reading, and it is not given.
        """
        if self.space.with_ocr and reading is None:
            raise InputError(
                "this model judges a page together with what OCR read on it", hint="Give the reading as well."
            )
        try:
            check_size(picture)
        except InputError as error:
            return Prediction(refusal=str(error))
        found = find_text(picture)
        if not found.pieces:
            return Prediction(
                refusal="no text can be made out: the page is blank, far too pale, or has nothing of a character's size"
            )
        if not found.is_text:
            return Prediction(refusal=f"no text can be made out: {found}")
        said = None if reading is None else ocr_features(reading.confidence, reading.words.text, found)
        notes = []
        if found.is_sideways:
            picture = np.ascontiguousarray(np.rot90(picture))
            notes.append("the text lies on its side; judged as if the page were turned")
        if found.is_little_text:
            notes.append(
                f"little text to judge by, as on a poster or a cover: {found.aligned} characters or so"
            )
        prediction = self.predict_vectors(self._extractor.vectors(picture), said)
        if prediction.warning:
            notes.append(prediction.warning)
        return replace(prediction, warning="; ".join(notes) or None)

    def predict_vectors(self, page: PageVectors, said: NDArray[np.float32] | None = None) -> Prediction:
        """Predict for a page that is encoded already.

        Args:
            page: Its vectors.
            said: `OCR_FEATURES`, for a model that takes them into account.
        """
        if not len(page):
            return Prediction(refusal="the page is blank")
        features = self.features(page, said)[None]
        estimates = {}
        for target, fitted in self.targets.items():
            value = fitted.predict(features)
            low, high = fitted.conformal.interval(value)
            estimates[target] = Estimate(float(value[0]), float(low[0]), float(high[0]))
        return Prediction(estimates, warning=self._warning(features[0]))

    def features(self, page: PageVectors, said: NDArray[np.float32] | None = None) -> NDArray[np.float64]:
        """What the model is asked with. Shape ``(features,)``."""
        pooled = self._extractor.pool(page.vectors)
        if self.space.with_ocr and said is not None:
            pooled = np.concatenate([pooled, said])
        return pooled.astype(np.float64)

    def _warning(self, features: NDArray[np.float64]) -> str | None:
        distance = float(self.familiarity.distance(features)[0])
        if distance <= self.familiarity.farthest:
            return None
        feature = self.space.names[self.familiarity.unusual(features)]
        return (
            f"unlike any page learned from ({distance:.2f} deviations away, at most {self.familiarity.farthest:.2f} "
            f"is usual; most of all in the {feature})"
        )


def _features_name(space: FeatureSpace) -> str:
    return space.encoder if space.encoder == "patches" else f"{space.encoder}:{space.dim}dim"


def _without_ocr(space: FeatureSpace) -> FeatureSpace:
    return FeatureSpace(space.encoder, space.revision, space.dim, space.layer, space.pooling)
