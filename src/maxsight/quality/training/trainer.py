"""Trains a predictor on a table of samples and judges it. Every figure is for documents left out of training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from importlib.metadata import version
from typing import Any

import numpy as np

from maxsight.quality.conformal import fit_conformal
from maxsight.quality.familiarity import fit_familiarity
from maxsight.quality.features import FeatureExtractor
from maxsight.quality.predictor import FittedTarget, QualityPredictor
from maxsight.quality.training.cross_validation import check_samples
from maxsight.quality.training.degrade import split_name
from maxsight.quality.training.judgement import Judgement, Say, TrainingSettings, judge
from maxsight.quality.training.regressors import QualityRegressor
from maxsight.quality.training.samples import OWN
from maxsight.quality.training.tables import SampleTable


def train(
    table: SampleTable, extractor: FeatureExtractor, settings: TrainingSettings, *, say: Say = lambda _: None
) -> tuple[QualityPredictor, list[Judgement]]:
    """Judge and fit a model.

    Args:
        table: The samples.
        extractor: Made the table's features.
        settings: What to train.
        say: Called with a line of text at each step.

    Raises:
        InputError: There are too few samples, or all have one error rate.
    """
    features = table.with_ocr() if settings.with_ocr else table.features
    for target in settings.targets:
        check_samples(table.documents, table.target(target))
    judgements, fitted = [], {}
    for target in settings.targets:
        true = table.target(target)
        judgement = judge(table, features, target, settings, say)
        say(f"{target}: fitting on all {len(table)} samples")
        model = QualityRegressor(settings.learner.value, **judgement.parameters).fit(features, true)
        conformal = fit_conformal(judgement.predicted, true, settings.coverage)
        fitted[target] = FittedTarget(model.support_, model.trees_, conformal)
        judgements.append(judgement)
    space = replace(extractor.space, with_ocr=settings.with_ocr)
    familiarity = fit_familiarity(features, table.documents)
    about = _describe(table, settings, judgements)
    return QualityPredictor(space, fitted, familiarity, about, extractor), judgements


def _describe(
    table: SampleTable, settings: TrainingSettings, judgements: Sequence[Judgement]
) -> dict[str, Any]:
    """Describe how a model was made, for its file."""
    degradations = {sample.degradation for sample in table.samples} - {OWN}
    return {
        "versions": {name: version(name) for name in ("scikit-learn", "lightgbm", "numpy")},
        "learner": settings.learner.value,
        "samples": len(table),
        "documents": len(np.unique(table.documents)),
        "engines": sorted({sample.engine for sample in table.samples}),
        "dpi": sorted({sample.dpi for sample in table.samples}),
        "degradations": sorted({part.value for name in degradations for part in split_name(name)}),
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
