import numpy as np
import pytest

from maxsight.encoders.patches import STATISTICS
from maxsight.quality.features import PagePooling, load_extractor
from maxsight.quality.text_pooling import QUANTILES, TEXT_PARTS, compute_quantiles, pool_by_text

DIM = len(STATISTICS)


def patches(levels, ink):
    """Patches that differ in level and share of ink only."""
    vectors = np.zeros((len(levels), DIM), np.float32)
    vectors[:, STATISTICS.index("level")] = levels
    vectors[:, STATISTICS.index("ink_local")] = ink
    vectors[:, STATISTICS.index("character_ink_local")] = 1
    return vectors


def of_level(vectors):
    pooled = pool_by_text(vectors).reshape(len(TEXT_PARTS), DIM)
    return dict(zip(TEXT_PARTS, pooled[:, STATISTICS.index("level")], strict=True))


def test_patches_count_by_their_ink():
    """Ink 0.299 and 0.699, and 0.001 for all: 0.3 of the weight at level 10, 0.7 at level 20. There are no edges."""
    level = of_level(patches([10, 20], [0.299, 0.699]))
    assert level["mean by edges"] == pytest.approx(15)
    assert level["mean by ink"] == pytest.approx(17, abs=1e-4)
    assert level["std by ink"] == pytest.approx(10 * np.sqrt(0.3 * 0.7), abs=1e-4)


def test_quantiles_with_equal_weights_are_plain_quantiles():
    values = np.random.default_rng(0).permutation(100.0 * np.arange(1, 101)).reshape(100, 1)
    expected = [np.quantile(values, share, method="inverted_cdf") for share in QUANTILES]
    np.testing.assert_allclose(compute_quantiles(values, np.ones(100)).ravel(), expected)


def test_a_patch_of_three_times_the_ink_counts_as_three():
    random = np.random.default_rng(1)
    values, times = random.normal(size=(20, 4)), random.integers(1, 5, 20)
    once = compute_quantiles(values, times.astype(float))
    np.testing.assert_allclose(
        once, compute_quantiles(np.repeat(values, times, axis=0), np.ones(times.sum()))
    )


def test_features_do_not_depend_on_the_order_of_patches():
    extractor = load_extractor("patches", PagePooling.CONCAT_TEXT)
    vectors = np.random.default_rng(2).random((50, DIM)).astype(np.float32)
    pooled = extractor.pool(vectors)
    np.testing.assert_allclose(pooled, extractor.pool(vectors[::-1]), rtol=1e-5)
    assert len(pooled) == len(extractor.space.names) == len(set(extractor.space.names))


def test_one_patch_is_its_own_mean_and_quantiles():
    vector = np.random.default_rng(3).random((1, DIM))
    pooled = pool_by_text(vector).reshape(len(TEXT_PARTS), DIM)
    for part, values in zip(TEXT_PARTS, pooled, strict=True):
        np.testing.assert_allclose(values, 0 if part == "std by ink" else vector[0], atol=1e-9)
