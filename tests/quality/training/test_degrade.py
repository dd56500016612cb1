import numpy as np
import pytest

from maxsight.errors import InputError
from maxsight.quality.training.degrade import CLEAN, Degradation, degrade, draw_mixture, name_kind
from page_pictures import page_picture


@pytest.mark.parametrize("kind", Degradation)
def test_each_degradation_changes_the_page_more_when_severe(kind):
    picture = page_picture(400, 500)
    change = []
    for severity in (0.1, 1.0):
        made = degrade(picture, kind.value, severity, seed=3)
        assert made.picture.dtype == np.uint8
        if made.picture.shape == picture.shape:
            change.append(np.abs(made.picture.astype(int) - picture).mean())
    assert all(value > 0 for value in change)
    assert change == sorted(change)


@pytest.mark.parametrize("name", [*Degradation, "blur+noise"])
def test_the_same_seed_gives_the_same_pixels(name):
    picture = page_picture(300, 300)
    one, other = (degrade(picture, name, 0.5, seed=7).picture for _ in range(2))
    np.testing.assert_array_equal(one, other)


def test_a_clean_page_stays_as_it_is():
    picture = page_picture(300, 300)
    np.testing.assert_array_equal(degrade(picture, CLEAN, 0, seed=1).picture, picture)


@pytest.mark.parametrize(
    "name", ["skew", "warp", "low-resolution", "skew+warp", "low-resolution+skew", "blur"]
)
@pytest.mark.parametrize("seed", range(4))
def test_points_map_back_to_the_original(name, seed):
    """A dot is found in the result, and its place is mapped back."""
    picture = np.full((400, 500), 255, np.uint8)
    picture[195:206, 295:306] = 0
    made = degrade(picture, name, 0.8, seed=seed)
    rows, cols = np.nonzero(made.picture < 128)
    middle = np.array([[cols.mean(), rows.mean()]])
    np.testing.assert_allclose(made.to_source(middle), [[300, 200]], atol=2.5)


def test_a_mixture_is_two_different_degradations():
    name = draw_mixture(np.random.default_rng(0))
    assert len(set(name.split("+"))) == 2
    assert name_kind(name) == "mixed"
    assert name_kind("blur") == "blur"


def test_unknown_names_and_severities_are_refused():
    picture = page_picture(200, 200)
    with pytest.raises(InputError, match="no degradation is called 'coffee'"):
        degrade(picture, "coffee", 0.5, seed=0)
    with pytest.raises(InputError, match="severity"):
        degrade(picture, "blur", 1.5, seed=0)
