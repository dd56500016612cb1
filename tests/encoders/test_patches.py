import numpy as np
import pytest

from maxsight.encoders import load_encoder
from maxsight.encoders.patches import STATISTICS, PatchEncoder, PatchGrid, patch_statistics
from maxsight.encoders.patches.grid import Patches
from maxsight.errors import EncoderError, InputError
from maxsight.types import Page, TextSource, Words
from page_pictures import page_picture

NO_WORDS = Words(np.zeros((0, 2), np.int32), None)


def column(measured, name):
    return measured.values[:, STATISTICS.index(name)]


def text_mean(picture, name):
    measured = patch_statistics(picture)
    return column(measured, name)[~measured.is_blank].mean()


def as_page(grey):
    return Page(0, "", NO_WORDS, TextSource.NONE, picture=np.repeat(grey[:, :, None], 3, axis=2))


def test_a_patch_of_two_halves_has_the_level_contrast_and_ink_of_two_halves():
    """One patch, left half 0 and right half 255: mean about 127.5 (levels have steps of 4), half of it ink."""
    picture = np.zeros((64, 64), np.uint8)
    picture[:, 32:] = 255
    measured = patch_statistics(picture, PatchGrid(1, 1))
    assert column(measured, "level")[0] == pytest.approx(128, abs=2)
    assert column(measured, "deviation")[0] == pytest.approx(126, abs=2)
    assert column(measured, "contrast")[0] == pytest.approx(252)
    assert column(measured, "ink_share")[0] == pytest.approx(0.5)
    assert column(measured, "ink_global")[0] == pytest.approx(0.5)
    assert column(measured, "separability")[0] == pytest.approx(1, abs=0.01)


def test_means_of_patches_are_those_of_their_pixels():
    plane = np.random.default_rng(0).random((30, 44)).astype(np.float32)
    patches = Patches(30, 44, PatchGrid(3, 4))
    expected = [plane[r * 10 : r * 10 + 10, c * 11 : c * 11 + 11].mean() for r in range(3) for c in range(4)]
    np.testing.assert_allclose(patches.mean(plane), expected, rtol=1e-5)
    largest = [plane[r * 10 : r * 10 + 10, c * 11 : c * 11 + 11].max() for r in range(3) for c in range(4)]
    np.testing.assert_array_equal(patches.largest(plane), largest)


def test_patches_cover_the_page_once():
    boxes = Patches(1651, 1275, PatchGrid()).boxes()
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    assert areas.sum() == pytest.approx(1, abs=1e-5)
    assert (boxes >= 0).all() and (boxes <= 1).all()


def test_patches_that_are_only_repeated_border_are_blank():
    """801 px in 32 rows of 26 px reach to 832: the last row starts at 806."""
    measured = patch_statistics(page_picture(801, 801))
    rows = np.arange(32 * 32).reshape(32, 32)
    assert measured.is_blank[rows[-1]].all()
    assert measured.is_blank[rows[:, -1]].all()


def test_a_pale_page_looks_like_its_dark_original():
    dark, pale = page_picture(ink=0), page_picture(ink=180, paper=230)
    one, other = patch_statistics(dark), patch_statistics(pale)
    np.testing.assert_array_equal(one.is_blank, other.is_blank)
    for name in ("level", "contrast", "gradient", "ink_local", "stroke_width"):
        kept = ~one.is_blank
        np.testing.assert_allclose(
            column(one, name)[kept].mean(), column(other, name)[kept].mean(), rtol=0.06
        )


def test_noise_raises_the_noise_and_blur_lowers_the_sharpness():
    import cv2

    picture = page_picture()
    noisy = np.clip(picture + np.random.default_rng(0).normal(0, 30, picture.shape), 0, 255).astype(np.uint8)
    assert text_mean(noisy, "noise_floor") > text_mean(picture, "noise_floor") + 1
    blurred = cv2.GaussianBlur(picture, (0, 0), 2.5)
    assert text_mean(blurred, "sharpness") < 0.6 * text_mean(picture, "sharpness")
    assert text_mean(blurred, "fine_detail") < 0.5 * text_mean(picture, "fine_detail")


def test_ink_in_a_shadow_is_lost_to_one_threshold_for_the_page():
    picture = page_picture().astype(np.float32)
    assert text_mean(picture.astype(np.uint8), "ink_agreement") > 0.7
    shaded = picture.copy()
    shaded[:, 500:] *= 0.25
    measured = patch_statistics(shaded.astype(np.uint8))
    in_shade = (measured.boxes[:, 0] > 0.55) & ~measured.is_blank
    in_light = (measured.boxes[:, 2] < 0.45) & ~measured.is_blank
    agreement = column(measured, "ink_agreement")
    assert agreement[in_shade].mean() < 0.4 < 0.7 < agreement[in_light].mean()


def test_rising_lines_have_a_greater_line_angle():
    import cv2

    turn = cv2.getRotationMatrix2D((500, 650), 6, 1)
    skewed = cv2.warpAffine(page_picture(), turn, (1000, 1300), borderValue=255)
    measured = patch_statistics(skewed)
    strong = column(measured, "line_strength") > 0.8
    assert np.median(column(measured, "line_angle")[strong]) == pytest.approx(np.radians(6), abs=0.02)


def test_a_page_has_one_vector_per_patch_that_is_not_blank():
    measured = patch_statistics(page_picture())
    (embedding,) = PatchEncoder().encode_pages([as_page(page_picture())])
    np.testing.assert_array_equal(embedding.vectors, measured.values[~measured.is_blank])
    np.testing.assert_array_equal(embedding.regions.boxes, measured.boxes[~measured.is_blank])


def test_a_blank_page_has_no_vectors():
    (embedding,) = PatchEncoder().encode_pages([as_page(np.full((500, 400), 240, np.uint8))])
    assert embedding.vectors.shape == (0, len(STATISTICS))


def test_a_pages_vectors_do_not_depend_on_its_batch_mates():
    pages = [as_page(page_picture()), as_page(page_picture(700, 500))]
    for page, together in zip(pages, PatchEncoder().encode_pages(pages), strict=True):
        (alone,) = PatchEncoder().encode_pages([page])
        np.testing.assert_array_equal(alone.vectors, together.vectors)


def test_patches_can_be_loaded_by_name_and_not_be_asked():
    encoder = load_encoder("patches")
    assert encoder.space.dim == len(STATISTICS)
    with pytest.raises(EncoderError, match="can't be asked"):
        encoder.encode_query("revenue")
    with pytest.raises(InputError, match="no picture"):
        encoder.encode_pages([Page(0, "", NO_WORDS, TextSource.NONE)])


def test_ink_is_measured_by_contrast_and_height_of_its_components():
    """Two bars of 4 x 20 pixels, of levels 0 and 128 on white: 255 and 127 darker than paper, one of two faint."""
    picture = np.full((64, 64), 255, np.uint8)
    picture[20:40, 10:14] = 0
    picture[20:40, 40:44] = 128
    measured = patch_statistics(picture, PatchGrid(1, 1))
    assert column(measured, "piece_contrast")[0] == pytest.approx((255 + 127) / 2)
    assert column(measured, "piece_contrast_spread")[0] == pytest.approx((255 - 127) / 2)
    assert column(measured, "faint_pieces")[0] == pytest.approx(0.5)
    assert column(measured, "piece_height_local")[0] == pytest.approx(np.log(20))
    assert column(measured, "piece_width_local")[0] == pytest.approx(np.log(4))
    assert column(measured, "piece_width_spread_local")[0] == pytest.approx(0, abs=1e-3)


def test_print_from_the_other_side_is_fainter():
    page = page_picture()
    ghost = np.roll(page[:, ::-1], 16, axis=0)
    behind = np.minimum(page, (255 - (255 - ghost.astype(float)) * 0.45).astype(np.uint8))
    assert text_mean(page, "faint_pieces") < 0.01
    assert text_mean(behind, "faint_pieces") > 0.04
