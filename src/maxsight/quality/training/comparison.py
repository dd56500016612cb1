"""Compares every pooling with every learner, in the same folds and without tuning."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from maxsight.quality.features import PagePooling, load_extractor
from maxsight.quality.prediction import Target
from maxsight.quality.training.cross_validation import check_samples, cross_predict, split_documents
from maxsight.quality.training.judgement import Say
from maxsight.quality.training.measures import Measures, measure
from maxsight.quality.training.regressors import Learner
from maxsight.quality.training.samples import SampleFolder
from maxsight.quality.training.tables import load_table


@dataclass(frozen=True, slots=True)
class Compared:
    """One combination.

    Attributes:
        target: The error rate.
        pooling: How vectors are pooled.
        learner: The regressor.
        measures: How well they predict.
    """

    target: Target
    pooling: PagePooling
    learner: Learner
    measures: Measures


def compare(
    folders: Sequence[SampleFolder], features: str, targets: Sequence[Target], *, say: Say = lambda _: None
) -> list[Compared]:
    """Judge all combinations on samples; ``features`` is a name for `load_extractor`.

    Pages are encoded once, since the richest pooling holds all others.
    """
    extractor = load_extractor(features)
    table = load_table(folders, extractor)
    folds = split_documents(table.documents)
    result = []
    for pooling, columns in _columns(extractor.space.dim, extractor.space.pooling).items():
        say(f"comparing: {pooling}")
        pooled = table.features[:, columns]
        for target in targets:
            true = table.target(target)
            check_samples(table.documents, true)
            for learner in Learner:
                predicted = cross_predict(pooled, true, table.documents, learner, folds, tuned=False)
                result.append(Compared(target, pooling, learner, measure(true, predicted)))
    return result


def _columns(dim: int, richest: PagePooling) -> dict[PagePooling, slice]:
    """Locate each pooling's features among those of the richest: mean, maximum, deviation, the rest."""
    return {
        PagePooling.MEAN: slice(0, dim),
        PagePooling.MAX: slice(dim, 2 * dim),
        PagePooling.STD: slice(2 * dim, 3 * dim),
        PagePooling.CONCAT: slice(0, 3 * dim),
        richest: slice(None),
    }
