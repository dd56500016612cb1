"""Judges how well an error rate is predicted: for documents left out, and for degradations left out as well."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from sklearn.dummy import DummyRegressor
from sklearn.isotonic import IsotonicRegression
from sklearn.model_selection import cross_val_predict

from maxsight.quality.conformal import fit_conformal
from maxsight.quality.familiarity import Groups
from maxsight.quality.ocr_features import OCR_FEATURES
from maxsight.quality.prediction import Target
from maxsight.quality.training.cross_validation import (
    Fold,
    Parameters,
    Rows,
    cross_predict,
    split_documents,
    tune,
)
from maxsight.quality.training.degrade import CLEAN, MIXED
from maxsight.quality.training.measures import Measures, compare_srcc, compute_srcc, measure
from maxsight.quality.training.regressors import Learner, QualityRegressor
from maxsight.quality.training.samples import OWN
from maxsight.quality.training.tables import SampleTable
from maxsight.types import Floats

GLOBAL = "16 global features, lightgbm"
CONFIDENCE = "OCR confidence alone"
CONSTANT = "constant mean"
AFTER_OCR = "the features and OCR confidence"
GLOBAL_PARAMETERS = {"feature_share": 0.5}
"""A fifth of 16 features is too few for a tree."""
OCR_PARAMETERS = {"emphasised": len(OCR_FEATURES), "feature_share": 0.5}
"""The few OCR features count more, so that the many of the page don't drown them."""
MIN_JUDGED = 8
"""A correlation over fewer samples means nothing."""
_CURVE_DOCUMENTS = (3, 6, 12, 24, 48)
_CURVE_REPEATS = 3

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class TrainingSettings:
    """Settings of a training.

    Attributes:
        learner: The regressor.
        targets: The error rates to predict.
        with_ocr: Use the engine's reading and confidence as features, for when OCR has run already.
        coverage: Share of intervals that hold the true value.
        thorough: Also leave out each degradation, and learn from fewer documents: many more fits.
    """

    learner: Learner = Learner.AVERAGE
    targets: tuple[Target, ...] = tuple(Target)
    with_ocr: bool = False
    coverage: float = 0.9
    thorough: bool = True


@dataclass(frozen=True, slots=True)
class Unseen:
    """How well a degradation is predicted that was left out of training, as were all mixtures.

    Attributes:
        measures: Of the model.
        confidence_srcc: Of the engine's own confidence.
        bias: Mean of prediction minus truth.
    """

    measures: Measures
    confidence_srcc: float
    bias: float


@dataclass(frozen=True, slots=True, eq=False)
class Judgement:
    """How well one error rate is predicted.

    Attributes:
        target: The error rate.
        parameters: Those of the final model.
        predicted: For every sample, by a model that did not see its document. Shape ``(samples,)``.
        measures: By predictor: the model first, then the baselines.
        better_than_global: SRCC minus that of the global features, with a 95 % interval over documents.
        coverage: Share of intervals that hold the truth, calibrated on other documents.
        by_kind: Measures of each degradation, seen in training.
        unseen: Measures of each degradation, left out of training.
        learning_curve: Number of documents learned from, and SRCC.
    """

    target: Target
    parameters: Parameters
    predicted: Floats
    measures: Mapping[str, Measures]
    better_than_global: tuple[float, float, float]
    coverage: float
    by_kind: Mapping[str, Measures]
    unseen: Mapping[str, Unseen] = field(default_factory=dict)
    learning_curve: Sequence[tuple[int, float]] = ()

    @property
    def unseen_srcc(self) -> float:
        """Mean over degradations left out; NaN without any."""
        values = [unseen.measures.srcc for unseen in self.unseen.values()]
        return float(np.nanmean(values)) if values else np.nan


def judge(
    table: SampleTable, features: Floats, target: Target, settings: TrainingSettings, say: Say
) -> Judgement:
    """Judge how well an error rate is predicted from ``features``, shape ``(samples, features)``."""
    true, documents = table.target(target), table.documents
    folds = split_documents(documents)
    say(f"{target}: {len(table)} samples of {len(np.unique(documents))} documents in {len(folds)} folds")
    given = OCR_PARAMETERS if settings.with_ocr else {}
    predicted = cross_predict(features, true, documents, settings.learner, folds, given=given)
    say(f"{target}: baselines in the same folds")
    rivals = _predict_rivals(table, true, folds, settings)
    name = f"{AFTER_OCR if settings.with_ocr else 'the features'}, {settings.learner}"
    parameters = tune(features, true, documents, settings.learner, given=given)
    kinds = table.kinds
    judged = Judgement(
        target,
        parameters,
        predicted,
        {rival: measure(true, values) for rival, values in {name: predicted, **rivals}.items()},
        compare_srcc(true, predicted, rivals[GLOBAL], documents),
        _coverage(predicted, true, folds, settings.coverage),
        {kind: measure(true[kinds == kind], predicted[kinds == kind]) for kind in np.unique(kinds).tolist()},
    )
    if not settings.thorough:
        return judged

    def predict(learn: Rows, asked: Rows) -> Floats:
        model = QualityRegressor(settings.learner.value, **parameters).fit(features[learn], true[learn])
        return model.predict(features[asked])

    say(f"{target}: each degradation left out")
    unseen = _judge_unseen(table, true, folds, predict)
    say(f"{target}: fewer documents")
    return replace(judged, unseen=unseen, learning_curve=_learning_curve(documents, true, predict))


def _predict_rivals(
    table: SampleTable, true: Floats, folds: list[Fold], settings: TrainingSettings
) -> dict[str, Floats]:
    documents = table.documents
    rivals = {
        GLOBAL: cross_predict(
            table.global_features, true, documents, Learner.LIGHTGBM, folds, given=GLOBAL_PARAMETERS
        ),
        CONFIDENCE: cross_val_predict(
            IsotonicRegression(increasing=False, out_of_bounds="clip"), table.confidence, true, cv=folds
        ),
        CONSTANT: cross_val_predict(DummyRegressor(), table.confidence, true, cv=folds),
    }
    if not settings.with_ocr:
        rivals[f"{AFTER_OCR}, {settings.learner}"] = cross_predict(
            table.with_ocr(), true, documents, settings.learner, folds, tuned=False, given=OCR_PARAMETERS
        )
    return rivals


def _coverage(predicted: Floats, true: Floats, folds: list[Fold], coverage: float) -> float:
    """Compute the share of samples within intervals that are calibrated on the other folds."""
    held = []
    for others, judged in folds:
        low, high = fit_conformal(predicted[others], true[others], coverage).compute_interval(
            predicted[judged]
        )
        held.append((low <= true[judged]) & (true[judged] <= high))
    return float(np.concatenate(held).mean())


def _judge_unseen(
    table: SampleTable, true: Floats, folds: list[Fold], predict: Callable[[Rows, Rows], Floats]
) -> dict[str, Unseen]:
    """Judge each degradation by models that saw neither it, nor any mixture, nor the document."""
    kinds, confidence = table.kinds, table.confidence
    result = {}
    for kind in sorted(set(kinds.tolist()) - {CLEAN, MIXED, OWN}):
        rows = np.flatnonzero(kinds == kind)
        if len(rows) < MIN_JUDGED:
            continue
        predicted = np.full(len(true), np.nan)
        for learn, judged in folds:
            seen = learn[(kinds[learn] != kind) & (kinds[learn] != MIXED)]
            asked = judged[kinds[judged] == kind]
            if len(asked):
                predicted[asked] = predict(seen, asked)
        result[kind] = Unseen(
            measure(true[rows], predicted[rows]),
            compute_srcc(true[rows], -confidence[rows]),
            float((predicted[rows] - true[rows]).mean()),
        )
    return result


def _learning_curve(
    documents: Groups, true: Floats, predict: Callable[[Rows, Rows], Floats]
) -> list[tuple[int, float]]:
    """Measure SRCC by the number of documents learned from, on a quarter of the documents left out."""
    names = np.unique(documents)
    judged = max(1, len(names) // 4)
    most = len(names) - judged
    curve = []
    for count in sorted({*_CURVE_DOCUMENTS, most}):
        if not 2 <= count <= most:
            continue
        reached = []
        for repeat in range(_CURVE_REPEATS):
            order = np.random.default_rng(repeat).permutation(names)
            learn = np.flatnonzero(np.isin(documents, order[judged : judged + count]))
            asked = np.flatnonzero(np.isin(documents, order[:judged]))
            reached.append(compute_srcc(true[asked], predict(learn, asked)))
        curve.append((count, float(np.mean(reached))))
    return curve
