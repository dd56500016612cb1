import numpy as np
import pytest

from maxsight.encoders.merging import merge_neighbours
from maxsight.types import Regions


def regions(count: int) -> Regions:
    starts = np.arange(count)
    spans = np.stack([starts * 2, starts * 2 + 1], axis=1).astype(np.int32)
    edges = np.linspace(0, 1, count + 1, dtype=np.float32)
    boxes = np.stack([edges[:-1], np.full(count, 0.2), edges[1:], np.full(count, 0.3)], axis=1)
    return Regions(boxes=boxes.astype(np.float32), spans=spans)


def test_a_page_within_the_limit_is_kept_as_it_is():
    vectors = np.eye(3, dtype=np.float32)
    merged = merge_neighbours(vectors, regions(3), limit=3)
    assert merged.vectors is vectors


def test_neighbours_become_their_mean_direction_and_the_union_of_their_regions():
    """Four vectors, two groups: x and y give (1, 1) / sqrt 2, two equal ones give themselves."""
    vectors = np.array([[1, 0], [0, 1], [0, 1], [0, 1]], np.float32)
    merged = merge_neighbours(vectors, regions(4), limit=2)
    np.testing.assert_allclose(merged.vectors, [[0.5**0.5, 0.5**0.5], [0, 1]], atol=1e-6)
    np.testing.assert_array_equal(merged.regions.spans, [[0, 3], [4, 7]])
    np.testing.assert_allclose(merged.regions.boxes, [[0, 0.2, 0.5, 0.3], [0.5, 0.2, 1, 0.3]])


def test_the_first_vector_stands_for_vectors_that_cancel_out():
    vectors = np.array([[1, 0], [-1, 0]], np.float32)
    np.testing.assert_array_equal(merge_neighbours(vectors, regions(2), limit=1).vectors, [[1, 0]])


@pytest.mark.parametrize("count", [5, 7, 9, 19])
def test_groups_are_as_equal_as_they_can_be(count):
    merged = merge_neighbours(np.ones((count, 1), np.float32), regions(count), limit=4)
    sizes = (merged.regions.spans[:, 1] - merged.regions.spans[:, 0] + 1) // 2
    assert sizes.sum() == count
    assert sizes.max() - sizes.min() <= 1
