"""Pooling, against numbers worked out by hand and the published definition."""

import numpy as np
import pytest

from maxsight.encoders.pooling import Pooling, pool_vectors
from maxsight.errors import InputError

PAGE = np.array([[1, -4], [3, -2], [8, 0]], np.float32)
"""Means (1+3+8)/3 = 4 and (-4-2+0)/3 = -2. Squared differences 9+1+16 = 26 and 4+0+4 = 8, of 3 vectors."""


@pytest.mark.parametrize(
    ("pooling", "expected"),
    [
        (Pooling.MEAN, [4, -2]),
        (Pooling.MAX, [8, 0]),
        (Pooling.STD, [(26 / 3) ** 0.5, (8 / 3) ** 0.5]),
        (Pooling.CONCAT, [4, -2, 8, 0, (26 / 3) ** 0.5, (8 / 3) ** 0.5]),
        (Pooling.NONE, [[1, -4], [3, -2], [8, 0]]),
    ],
)
def test_pooling_gives_what_can_be_worked_out_by_hand(pooling, expected):
    pooled = pool_vectors(PAGE, pooling)
    assert pooled.dtype == np.float32
    assert pooled == pytest.approx(np.array(expected), rel=1e-6)
    assert pooled.shape[-1] == pooling.dim(2)


def test_a_single_vector_is_its_own_mean_and_maximum_and_does_not_vary():
    assert pool_vectors(PAGE[:1], Pooling.CONCAT).tolist() == [1, -4, 1, -4, 0, 0]


def test_negative_dimensions_keep_their_negative_maximum():
    assert pool_vectors(-np.abs(PAGE) - 1, Pooling.MAX).tolist() == [-2, -1]


def test_small_differences_beside_a_large_mean_are_not_lost():
    """Of 4,096 vectors that alternate between 1000 and 1000.5 the standard deviation is 0.25.

    The mean of squares less the square of the mean, in float32, would be 0 or worse.
    """
    vectors = np.tile(np.array([[1000.0], [1000.5]], np.float32), (2048, 1))
    assert pool_vectors(vectors, Pooling.STD) == pytest.approx(0.25, rel=1e-6)


def test_half_precision_is_summed_as_if_it_were_whole():
    vectors = np.full((4096, 1), 0.1, np.float16)
    assert pool_vectors(vectors, Pooling.MEAN) == pytest.approx(float(np.float16(0.1)), rel=1e-6)


@pytest.mark.parametrize("pooling", [pooling for pooling in Pooling if pooling is not Pooling.NONE])
def test_a_page_without_vectors_is_refused(pooling):
    with pytest.raises(InputError, match="without vectors"):
        pool_vectors(np.zeros((0, 4), np.float32), pooling)


def test_the_deviation_is_a_populations_or_a_samples():
    """Of 1 and 3: the mean is 2, the population's deviation 1, the sample's sqrt(2)."""
    vectors = np.array([[1.0], [3.0]], np.float32)
    assert pool_vectors(vectors, Pooling.STD).tolist() == [1]
    assert pool_vectors(vectors, Pooling.STD, ddof=1) == pytest.approx(np.sqrt(2))
    assert pool_vectors(vectors, Pooling.CONCAT, ddof=1) == pytest.approx([2, 3, np.sqrt(2)])
    assert pool_vectors(vectors[:1], Pooling.STD, ddof=1).tolist() == [0]
