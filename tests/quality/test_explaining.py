import pytest

from maxsight.quality.explaining import predict_windows
from maxsight.quality.model_file import load_predictor
from maxsight.quality.prediction import Target
from page_pictures import page_picture


@pytest.mark.parametrize("corner", [(0, 0), (1, 1)])
def test_the_quadrant_that_was_damaged_is_the_hottest(corner):
    import cv2

    down, right = corner
    picture = page_picture(1000, 1300)
    place = (slice(down * 650, down * 650 + 650), slice(right * 500, right * 500 + 500))
    picture[place] = cv2.GaussianBlur(picture, (0, 0), 3.2)[place]
    predictor = load_predictor()
    page = predictor.extractor.vectors(picture)
    heat = predict_windows(predictor.extractor, predictor.targets[Target.CER], page)
    middles = (page.boxes[:, :2] + page.boxes[:, 2:]) / 2
    means = {
        (y, x): heat[((middles // 0.5).astype(int) == (x, y)).all(axis=1)].mean()
        for y in (0, 1)
        for x in (0, 1)
    }
    assert max(means, key=means.get) == corner
