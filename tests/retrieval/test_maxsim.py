import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maxsight.errors import DimensionMismatchError, InputError
from maxsight.retrieval.maxsim import maxsim, maxsim_packed

EAST, NORTH = [1.0, 0.0], [0.0, 1.0]


def unit(rng, count, dim=8):
    vectors = rng.standard_normal((count, dim)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def packed(pages, dim=8):
    offsets = np.cumsum([0, *map(len, pages)])
    vectors = np.concatenate(pages) if pages else np.empty((0, dim), np.float32)
    return vectors, offsets


def test_each_query_token_picks_its_best_vector_and_the_picks_are_summed():
    """East finds 0.8 of (0.8, 0.6); north finds 1 of north: 1.8. On the second page both find 0.6 or 0.8: 1.4."""
    query = np.array([EAST, NORTH])
    first = np.array([[0.8, 0.6], NORTH])
    second = np.array([[0.6, 0.8]])
    np.testing.assert_allclose(maxsim(query, [first, second]), [1.8, 1.4], rtol=1e-6)


def test_a_token_that_fits_nothing_takes_away_from_the_score():
    """A page that holds only west scores -1 for east: no padding may lift it to 0."""
    query, west = np.array([EAST]), np.array([[-1.0, 0.0]])
    vectors, offsets = packed([west, np.array([NORTH])], dim=2)
    np.testing.assert_allclose(maxsim(query, [west]), [-1.0])
    np.testing.assert_allclose(maxsim_packed(query, vectors, offsets), [-1.0, 0.0])


def test_a_page_without_vectors_is_never_found():
    query = np.array([EAST])
    empty = np.empty((0, 2))
    vectors, offsets = packed([empty, np.array([EAST]), empty, empty], dim=2)
    assert maxsim_packed(query, vectors, offsets).tolist() == [-np.inf, 1.0, -np.inf, -np.inf]
    assert maxsim(query, [empty]).tolist() == [-np.inf]


@given(
    lengths=st.lists(st.integers(0, 7), max_size=9), tokens=st.integers(1, 5), seed=st.integers(0, 2**32 - 1)
)
def test_packed_pages_score_as_the_reference_says(lengths, tokens, seed):
    rng = np.random.default_rng(seed)
    pages = [unit(rng, length) for length in lengths]
    query = unit(rng, tokens)
    vectors, offsets = packed(pages)
    np.testing.assert_allclose(maxsim_packed(query, vectors, offsets), maxsim(query, pages), atol=1e-5)


def test_a_pages_score_does_not_depend_on_its_batch_mates():
    rng = np.random.default_rng(1)
    query, pages = unit(rng, 4), [unit(rng, count) for count in (3, 900, 1, 17)]
    alone = [maxsim_packed(query, *packed([page]))[0] for page in pages]
    np.testing.assert_allclose(maxsim_packed(query, *packed(pages)), alone, atol=1e-6)


def test_stored_float16_costs_less_than_a_thousandth_per_token():
    rng = np.random.default_rng(2)
    query, pages = unit(rng, 20, 128), [unit(rng, 500, 128) for _ in range(5)]
    stored = [page.astype(np.float16) for page in pages]
    np.testing.assert_allclose(maxsim(query, stored), maxsim(query, pages), atol=20 * 1e-3)


def test_vectors_of_another_space_are_refused():
    with pytest.raises(DimensionMismatchError, match="8 dimensions"):
        maxsim(np.ones((1, 8)), [np.ones((1, 9))])
    with pytest.raises(DimensionMismatchError, match="8 dimensions"):
        maxsim_packed(np.ones((1, 8)), np.ones((1, 9)), np.array([0, 1]))


def test_a_query_without_vectors_is_refused():
    with pytest.raises(InputError, match="at least one token"):
        maxsim(np.empty((0, 8)), [])
