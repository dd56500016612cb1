import numpy as np
import pytest

from maxsight.encoders.patches import STATISTICS
from maxsight.errors import InputError
from maxsight.quality.conformal import fit_conformal
from maxsight.quality.explaining import mean_contributions, occlusion_heat, window_heat
from maxsight.quality.features import PagePooling, PageVectors, load_extractor
from maxsight.quality.model_file import load_predictor
from maxsight.quality.predictor import FittedTarget, Target
from maxsight.quality.regressors import QualityRegressor
from page_pictures import page_picture


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


@pytest.mark.parametrize("learner", ["svr", "lightgbm", "average"])
def test_what_patches_add_sums_to_the_prediction(learner):
    extractor, fitted, page = (
        load_extractor("patches", PagePooling.MEAN),
        fitted_on_means(learner),
        random_page(),
    )
    added, start = mean_contributions(extractor, fitted, page)
    assert added.shape == (40,)
    mean = page.vectors.astype(np.float64).mean(axis=0, keepdims=True)
    parts = [part.predict(mean)[0] for part in (fitted.support, fitted.trees) if part]
    assert start + added.sum() == pytest.approx(np.mean(parts), abs=1e-6)
    assert np.ptp(added) > 1e-4


def test_of_two_kinds_of_patches_the_worse_add_more():
    """The model's error rate grows with the first statistic; half the patches have much of it."""
    page = random_page()
    page.vectors[:, 0] = np.repeat([2.0, -0.5], 20)
    added, _ = mean_contributions(load_extractor("patches", PagePooling.MEAN), fitted_on_means("svr"), page)
    assert added[:20].mean() > added[20:].mean() + 1e-3


def test_only_means_are_shared_out():
    with pytest.raises(InputError, match="concat pooling can't be shared out"):
        mean_contributions(
            load_extractor("patches", PagePooling.CONCAT), fitted_on_means("svr"), random_page()
        )


def test_leaving_out_a_bad_patch_makes_the_page_better():
    page = random_page()
    page.vectors[:, 0] = 0
    page.vectors[7, 0] = 20
    heat = occlusion_heat(load_extractor("patches", PagePooling.MEAN), fitted_on_means("svr"), page)
    assert heat.argmax() == 7
    assert heat[7] > 0


@pytest.mark.parametrize("corner", [(0, 0), (1, 1)])
def test_the_quadrant_that_was_damaged_is_the_hottest(corner):
    import cv2

    down, right = corner
    picture = page_picture(1000, 1300)
    place = (slice(down * 650, down * 650 + 650), slice(right * 500, right * 500 + 500))
    picture[place] = cv2.GaussianBlur(picture, (0, 0), 3.2)[place]
    predictor = load_predictor()
    page = predictor.extractor.vectors(picture)
    heat = window_heat(predictor.extractor, predictor.targets[Target.CER], page)
    middles = (page.boxes[:, :2] + page.boxes[:, 2:]) / 2
    means = {
        (y, x): heat[((middles // 0.5).astype(int) == (x, y)).all(axis=1)].mean()
        for y in (0, 1)
        for x in (0, 1)
    }
    assert max(means, key=means.get) == corner
