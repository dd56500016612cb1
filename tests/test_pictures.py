"""Fitted pictures against transformers' own image processors, pixel by pixel."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from PIL import Image

from maxsight.errors import InputError
from maxsight.pictures import Fit, PictureFit, fit_picture, fitted_size

COLPALI = PictureFit(Fit.STRETCH, resample="bicubic", height_px=448, width_px=448)
COLQWEN = PictureFit(Fit.MULTIPLE, resample="bicubic", multiple_px=28, min_pixels=3136, max_pixels=768 * 784)
IDEFICS = PictureFit(Fit.LONGEST_EDGE, resample="lanczos", longest_edge_px=2048)
FITS = pytest.mark.parametrize("fit", [COLPALI, COLQWEN, IDEFICS], ids=["colpali", "colqwen", "idefics"])

sides = st.integers(1, 20_000)


def noise(width, height):
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8))


def reference(fit, image):
    transformers = pytest.importorskip("transformers", reason="the extra 'colpali' is not installed")
    if fit is COLPALI:
        processor = transformers.SiglipImageProcessorPil(size={"height": 448, "width": 448}, resample=3)
        return processor(image, do_normalize=False, do_rescale=False)["pixel_values"][0]
    channels_first = np.asarray(image).transpose(2, 0, 1)
    if fit is COLQWEN:
        size = transformers.image_utils.SizeDict(shortest_edge=fit.min_pixels, longest_edge=fit.max_pixels)
        return transformers.Qwen2VLImageProcessorPil().resize(channels_first, size, resample=3, factor=28)
    size = transformers.image_utils.SizeDict(longest_edge=fit.longest_edge_px)
    return transformers.Idefics3ImageProcessorPil().resize(channels_first, size, resample=1)


@FITS
@pytest.mark.parametrize("size", [(850, 1100), (1101, 849), (37, 20), (3000, 101)])
def test_a_fitted_picture_is_that_of_transformers_pixel_by_pixel(fit, size):
    image = noise(*size)
    fitted = fit_picture(image, fit)
    assert fitted.dtype == np.uint8
    np.testing.assert_array_equal(fitted.transpose(2, 0, 1), reference(fit, image))


def test_sizes_worked_by_hand():
    """850 x 1100 at 768 x 784 pixels: shrunk by sqrt(935000 / 602112) = 1.2461, 682.1 x 882.7, down to multiples."""
    assert fitted_size(850, 1100, COLPALI) == (448, 448)
    assert fitted_size(850, 1100, COLQWEN) == (24 * 28, 31 * 28)
    assert fitted_size(850, 1100, IDEFICS) == (1582, 2048)
    assert fitted_size(20, 10, COLQWEN) == (84, 56), (
        "grown to 56 * 56 pixels at least: 79.2 x 39.6, up to multiples"
    )


@FITS
@given(width=sides, height=sides)
def test_fitting_what_is_fitted_changes_nothing(fit, width, height):
    if fit is not COLPALI:
        assume(max(width, height) <= 200 * min(width, height))
    once = fitted_size(width, height, fit)
    assert min(once) >= 1
    assert fitted_size(*once, fit) == once


@given(width=sides, height=sides)
def test_sizes_of_multiples_stay_within_their_bounds(width, height):
    assume(max(width, height) <= 200 * min(width, height))
    fitted = fitted_size(width, height, COLQWEN)
    assert all(side % 28 == 0 for side in fitted)
    assert COLQWEN.min_pixels <= fitted[0] * fitted[1] <= COLQWEN.max_pixels


def test_a_picture_that_fits_is_not_touched():
    image = noise(448, 448)
    np.testing.assert_array_equal(fit_picture(image, COLPALI), np.asarray(image))


@pytest.mark.parametrize("fit", [COLQWEN, IDEFICS], ids=["colqwen", "idefics"])
def test_a_picture_too_long_and_narrow_is_refused_with_a_way_out(fit):
    with pytest.raises(InputError, match="10 x 2001 pixels") as failure:
        fitted_size(10, 2001, fit)
    assert "ColPali" in failure.value.hint
    assert fitted_size(10, 2001, COLPALI) == (448, 448)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"fit": Fit.STRETCH}, "height_px must be at least 1, got 0"),
        ({"fit": Fit.STRETCH, "height_px": 448, "width_px": -1}, "width_px must be at least 1, got -1"),
        ({"fit": Fit.LONGEST_EDGE}, "longest_edge_px must be at least 1, got 0"),
        ({"fit": Fit.MULTIPLE, "multiple_px": 28}, "max_pixels must be at least 1, got 0"),
        ({"fit": Fit.MULTIPLE, "multiple_px": 28, "max_pixels": 783}, "must hold 28 x 28 .* got 783"),
        ({"fit": Fit.MULTIPLE, "min_pixels": 100, "max_pixels": 99}, r"min_pixels \(100\), got 99"),
        ({"fit": Fit.LONGEST_EDGE, "longest_edge_px": 9, "resample": "sharp"}, "resample .* got 'sharp'"),
    ],
)
def test_a_fit_that_no_picture_can_have_is_refused_where_it_is_made(given, says):
    with pytest.raises(InputError, match=says):
        PictureFit(**given)
