import pytest

from fitted_models import fitted_on_means, random_page
from maxsight.quality.explaining import occlusion_heat, window_heat
from maxsight.quality.features import PagePooling, load_extractor
from maxsight.quality.model_file import load_predictor
from maxsight.quality.prediction import Target
from page_pictures import page_picture


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
