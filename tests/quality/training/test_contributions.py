import numpy as np
import pytest

from fitted_models import fitted_on_means, random_page
from maxsight.errors import InputError
from maxsight.quality.features import PagePooling, load_extractor
from maxsight.quality.training.contributions import mean_contributions


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
