"""From a table of samples to a model and an honest account of it.

Everything reported is predicted for samples whose document, and in the harder tests whose degradation, was left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import version
from typing import Any

import numpy as np

from maxsight.encoders.registry import PATCHES
from maxsight.quality.baselines import confidence_only, constant_mean
from maxsight.quality.conformal import fit_conformal
from maxsight.quality.degrade import CLEAN, MIXED, parts_of
from maxsight.quality.familiarity import fit_familiarity
from maxsight.quality.features import FeatureExtractor, PagePooling, load_extractor
from maxsight.quality.judging import (
    Array,
    Fold,
    Measures,
    bootstrap_difference,
    check_samples,
    document_folds,
    measure,
    srcc,
)
from maxsight.quality.ocr_features import OCR_FEATURES
from maxsight.quality.predictor import FittedTarget, QualityPredictor, Target
from maxsight.quality.regressors import Learner, QualityRegressor
from maxsight.quality.samples import OWN, SampleFolder
from maxsight.quality.tables import SampleTable, sample_table, space_of
from maxsight.quality.training import Parameters, cross_predict, tune

GLOBAL = "16 global features, lightgbm"
CONFIDENCE = "OCR confidence alone"
CONSTANT = "constant mean"
OF_FEW_FEATURES = {"feature_share": 0.5}
"""A tree that sees a fifth of 16 features sees too little: the baseline is to be as good as it can."""
AFTER_OCR = "the features and OCR confidence"
OF_A_READING = {"emphasised": len(OCR_FEATURES), "feature_share": 0.5}
"""A reading's few features come last: neither the page's distances nor a tree's draw are to leave them out."""
MIN_JUDGED = 8
"""A degradation with fewer samples has no correlation worth a figure."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Unseen:
    """A degradation that was left out of training, with all mixtures.

    Attributes:
        measures: Of the model.
        confidence_srcc: Of the engine's own confidence.
        bias: Mean of prediction less truth.
    """

    measures: Measures
    confidence_srcc: float
    bias: float


@dataclass(frozen=True, slots=True, eq=False)
class Judgement:
    """How well one error rate is predicted.

    Attributes:
        target: Which.
        parameters: Those the model was fitted with in the end.
        predicted: For every sample, its document left out. Shape ``(samples,)``.
        measures: By predictor: the model's own, then the baselines'.
        better_than_global: SRCC above the global features', with a 95 % interval over documents.
        coverage: Share of intervals that hold the truth, their document left out of calibration too.
        by_kind: In each degradation, as seen in training.
        unseen: Each degradation left out of training.
        learning_curve: Documents learned from, and the SRCC reached.
    """

    target: Target
    parameters: Parameters
    predicted: Array
    measures: Mapping[str, Measures]
    better_than_global: tuple[float, float, float]
    coverage: float
    by_kind: Mapping[str, Measures]
    unseen: Mapping[str, Unseen] = field(default_factory=dict)
    learning_curve: Sequence[tuple[int, float]] = ()

    @property
    def unseen_srcc(self) -> float:
        """Mean over degradations left out; NaN where none was."""
        values = [unseen.measures.srcc for unseen in self.unseen.values()]
        return float(np.nanmean(values)) if values else np.nan


@dataclass(frozen=True, slots=True)
class TrainingSettings:
    """What is trained.

    Attributes:
        learner: What is fitted.
        targets: What is predicted.
        with_ocr: Take the engine's confidence into account: for those who have run OCR already.
        coverage: Of the intervals.
        folds: Into which documents are split.
        thorough: Also leave out degradations one by one, and learn from fewer documents: many more fits.
        seed: Of folds and trees.
    """

    learner: Learner = Learner.AVERAGE
    targets: tuple[Target, ...] = tuple(Target)
    with_ocr: bool = False
    coverage: float = 0.9
    folds: int = 5
    thorough: bool = True
    seed: int = 0


def train(
    table: SampleTable, extractor: FeatureExtractor, settings: TrainingSettings, *, say: Say = lambda _: None
) -> tuple[QualityPredictor, list[Judgement]]:
    """Judge and fit a model.

    Args:
        table: What to learn from.
        extractor: What made its features.
        settings: What is trained.
        say: Told what is being done.

    Raises:
        InputError: Nothing can be learned from so little, or from one value.
    """
    features = table.with_ocr() if settings.with_ocr else table.features
    for target in settings.targets:
        check_samples(table.documents, table.target(target))
    judgements, fitted = [], {}
    for target in settings.targets:
        judgement = _judge(table, features, target, settings, say)
        say(f"{target}: fitting on all {len(table)} samples")
        model = QualityRegressor(settings.learner.value, **judgement.parameters).fit(
            features, table.target(target)
        )
        conformal = fit_conformal(judgement.predicted, table.target(target), settings.coverage)
        fitted[target] = FittedTarget(model.support_, model.trees_, conformal)
        judgements.append(judgement)
    space = space_of(extractor, with_ocr=settings.with_ocr)
    familiarity = fit_familiarity(features, table.documents)
    about = _about(table, settings, judgements)
    return QualityPredictor(space, fitted, familiarity, about, extractor), judgements


def _judge(
    table: SampleTable, features: Array, target: Target, settings: TrainingSettings, say: Say
) -> Judgement:
    true, documents = table.target(target), table.documents
    folds = document_folds(documents, settings.folds, settings.seed)
    say(f"{target}: {len(table)} samples of {len(np.unique(documents))} documents in {len(folds)} folds")
    given = OF_A_READING if settings.with_ocr else {}
    predicted = cross_predict(features, true, documents, settings.learner, folds, given=given).predicted
    say(f"{target}: baselines in the same folds")
    rivals = _rivals(table, true, folds, settings)
    name = f"{AFTER_OCR if settings.with_ocr else 'the features'}, {settings.learner}"
    measures = {name: measure(true, predicted)} | {
        rival: measure(true, values) for rival, values in rivals.items()
    }
    parameters = tune(features, true, documents, settings.learner, given=given)
    kinds = table.kinds
    judged = Judgement(
        target,
        parameters,
        predicted,
        measures,
        bootstrap_difference(srcc, true, predicted, rivals[GLOBAL], documents),
        _coverage(predicted, true, folds, settings.coverage),
        {kind: measure(true[kinds == kind], predicted[kinds == kind]) for kind in np.unique(kinds).tolist()},
    )
    if not settings.thorough:
        return judged
    say(f"{target}: each degradation left out")
    unseen = _unseen(table, features, true, folds, settings.learner, parameters)
    say(f"{target}: fewer documents")
    curve = _learning_curve(table, features, true, settings.learner, parameters)
    return replace(judged, unseen=unseen, learning_curve=curve)


def _rivals(
    table: SampleTable, true: Array, folds: list[Fold], settings: TrainingSettings
) -> dict[str, Array]:
    documents = table.documents
    rivals = {
        GLOBAL: cross_predict(
            table.global_features, true, documents, Learner.LIGHTGBM, folds, given=OF_FEW_FEATURES
        ).predicted,
        CONFIDENCE: confidence_only(table.confidence, true, folds),
        CONSTANT: constant_mean(true, folds),
    }
    if not settings.with_ocr:
        rivals[f"{AFTER_OCR}, {settings.learner}"] = cross_predict(
            table.with_ocr(), true, documents, settings.learner, folds, tuned=False, given=OF_A_READING
        ).predicted
    return rivals


def _coverage(predicted: Array, true: Array, folds: list[Fold], coverage: float) -> float:
    """Share of samples held by intervals calibrated on the other folds."""
    held = []
    for others, judged in folds:
        low, high = fit_conformal(predicted[others], true[others], coverage).interval(predicted[judged])
        held.append((low <= true[judged]) & (true[judged] <= high))
    return float(np.concatenate(held).mean())


def _unseen(
    table: SampleTable,
    features: Array,
    true: Array,
    folds: list[Fold],
    learner: Learner,
    parameters: Parameters,
) -> dict[str, Unseen]:
    """Predict each degradation by models that saw neither it, nor any mixture, nor the document."""
    kinds, confidence = table.kinds, table.confidence
    result = {}
    for kind in sorted(set(kinds.tolist()) - {CLEAN, MIXED, OWN}):
        rows = np.flatnonzero(kinds == kind)
        if len(rows) < MIN_JUDGED:
            continue
        predicted = np.full(len(true), np.nan)
        for learn, judge in folds:
            seen = learn[(kinds[learn] != kind) & (kinds[learn] != MIXED)]
            asked = judge[kinds[judge] == kind]
            if len(asked):
                model = QualityRegressor(learner.value, **parameters).fit(features[seen], true[seen])
                predicted[asked] = np.clip(model.predict(features[asked]), 0, 1)
        result[kind] = Unseen(
            measure(true[rows], predicted[rows]),
            srcc(true[rows], -confidence[rows]),
            float((predicted[rows] - true[rows]).mean()),
        )
    return result


def _learning_curve(
    table: SampleTable,
    features: Array,
    true: Array,
    learner: Learner,
    parameters: Parameters,
    repeats: int = 3,
) -> list[tuple[int, float]]:
    """How ranking improves with documents: learn from some, judge on a quarter that is always left out."""
    documents = table.documents
    names = np.unique(documents)
    judged = max(1, len(names) // 4)
    curve = []
    for count in sorted({3, 6, 12, 24, 48, len(names) - judged}):
        if not 2 <= count <= len(names) - judged:
            continue
        reached = []
        for repeat in range(repeats):
            order = np.random.default_rng(repeat).permutation(names)
            learn, judge = (
                np.isin(documents, part) for part in (order[judged : judged + count], order[:judged])
            )
            model = QualityRegressor(learner.value, **parameters).fit(features[learn], true[learn])
            reached.append(srcc(true[judge], model.predict(features[judge])))
        curve.append((count, float(np.mean(reached))))
    return curve


def _about(table: SampleTable, settings: TrainingSettings, judgements: Sequence[Judgement]) -> dict[str, Any]:
    """What a model's file says of how it was made."""
    return {
        "versions": {name: version(name) for name in ("scikit-learn", "lightgbm", "numpy")},
        "learner": settings.learner.value,
        "samples": len(table),
        "documents": len(np.unique(table.documents)),
        "engines": sorted({sample.engine for sample in table.samples}),
        "dpi": sorted({sample.dpi for sample in table.samples}),
        "degradations": sorted(
            {
                part.value
                for sample in table.samples
                if sample.degradation != OWN
                for part in parts_of(sample.degradation)
            }
        ),
        "scores": {
            judgement.target.value: {
                **{name: asdict(values) for name, values in judgement.measures.items()},
                "srcc, degradation left out": judgement.unseen_srcc,
                "interval coverage": judgement.coverage,
                "parameters": judgement.parameters,
            }
            for judgement in judgements
        },
    }


@dataclass(frozen=True, slots=True)
class Compared:
    """One combination of `compare`."""

    target: Target
    pooling: PagePooling
    learner: Learner
    measures: Measures


def compare(
    folders: Sequence[SampleFolder], features: str, targets: Sequence[Target], *, say: Say = lambda _: None
) -> list[Compared]:
    """Judge every pooling with every learner, parameters as they come, in the same folds.

    Pages are encoded once: the richest pooling holds what the others make.
    """
    richest = PagePooling.CONCAT_TEXT if features == PATCHES else PagePooling.CONCAT
    extractor = load_extractor(features, richest)
    table = sample_table(folders, extractor)
    folds = document_folds(table.documents)
    result = []
    for pooling, columns in _columns(extractor.space.dim, richest).items():
        say(f"comparing: {pooling}")
        for target in targets:
            true = table.target(target)
            check_samples(table.documents, true)
            for learner in Learner:
                predicted = cross_predict(
                    table.features[:, columns], true, table.documents, learner, folds, tuned=False
                ).predicted
                result.append(Compared(target, pooling, learner, measure(true, predicted)))
    return result


def _columns(dim: int, richest: PagePooling) -> dict[PagePooling, slice]:
    """Where each pooling's features lie among those of the richest: mean, maximum, deviation, weighted means."""
    simpler = {
        PagePooling.MEAN: slice(0, dim),
        PagePooling.MAX: slice(dim, 2 * dim),
        PagePooling.STD: slice(2 * dim, 3 * dim),
        PagePooling.CONCAT: slice(0, 3 * dim),
    }
    return simpler | {richest: slice(None)}
