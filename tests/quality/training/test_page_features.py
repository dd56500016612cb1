import cv2
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.pipeline import make_pipeline

from maxsight.errors import InputError
from maxsight.quality.training.page_features import PageFeatures
from maxsight.quality.training.regressors import QualityRegressor
from page_pictures import page_picture


def test_a_pipeline_goes_from_pictures_to_error_rates():
    """Pages blurred ever more, their error rate given as a quarter of their blur: the pipeline puts others in order."""
    blurs = np.linspace(0.3, 3.5, 24)
    pages = [
        cv2.GaussianBlur(page_picture(400, 400, size=14 + n % 4), (0, 0), blur)
        for n, blur in enumerate(blurs)
    ]
    model = clone(make_pipeline(PageFeatures(pooling="mean"), QualityRegressor("svr")))
    model.fit(pages[::2], blurs[::2] / 4)
    assert np.corrcoef(model.predict(pages[1::2]), blurs[1::2])[0, 1] > 0.95
    names = model.named_steps["pagefeatures"].get_feature_names_out()
    assert names[0] == "mean of level"


def test_a_blank_page_has_no_features():
    with pytest.raises(InputError, match="can't be pooled"):
        PageFeatures().fit([]).transform([np.full((300, 300), 255, np.uint8)])
