"""Small models of random patches, for tests of explanations."""

import numpy as np

from maxsight.encoders.patches import STATISTICS
from maxsight.quality.conformal import fit_conformal
from maxsight.quality.features import PageVectors
from maxsight.quality.predictor import FittedTarget
from maxsight.quality.training.regressors import QualityRegressor


def fitted_on_means(learner):
    """A model of the mean of each statistic, on pages of random patches."""
    random = np.random.default_rng(0)
    features = random.normal(size=(150, len(STATISTICS)))
    target = 1 / (1 + np.exp(-features[:, 0] - features[:, 3]))
    model = QualityRegressor(learner, rounds=60).fit(features, target)
    return FittedTarget(model.support_, model.trees_, fit_conformal(target, target))


def random_page(seed=1, patches=40):
    random = np.random.default_rng(seed)
    boxes = np.sort(random.random((patches, 2, 2)), axis=1).reshape(patches, 4).astype(np.float32)
    return PageVectors(random.normal(0.3, 1, (patches, len(STATISTICS))).astype(np.float32), boxes)
