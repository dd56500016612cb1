import numpy as np
import pytest

from maxsight.errors import DimensionMismatchError, InputError
from maxsight.retrieval.maxsim import maxsim
from retrieval_pages import unit

EAST, NORTH = [1.0, 0.0], [0.0, 1.0]


def test_each_query_token_picks_its_best_vector_and_the_picks_are_summed():
    """East finds 0.8 of (0.8, 0.6); north finds 1 of north: 1.8. On the second page both find 0.6 or 0.8: 1.4."""
    query = np.array([EAST, NORTH])
    first = np.array([[0.8, 0.6], NORTH])
    second = np.array([[0.6, 0.8]])
    np.testing.assert_allclose(maxsim(query, [first, second]), [1.8, 1.4], rtol=1e-6)


def test_a_token_that_fits_nothing_takes_away_from_the_score():
    """A page that holds only west scores -1 for east: no padding may lift it to 0."""
    np.testing.assert_allclose(maxsim(np.array([EAST]), [np.array([[-1.0, 0.0]])]), [-1.0])


def test_a_page_without_vectors_is_never_found():
    assert maxsim(np.array([EAST]), [np.empty((0, 2))]).tolist() == [-np.inf]


def test_stored_float16_costs_less_than_a_thousandth_per_token():
    rng = np.random.default_rng(2)
    query, pages = unit(rng, 20, 128), [unit(rng, 500, 128) for _ in range(5)]
    stored = [page.astype(np.float16) for page in pages]
    np.testing.assert_allclose(maxsim(query, stored), maxsim(query, pages), atol=20 * 1e-3)


def test_vectors_of_another_space_are_refused():
    with pytest.raises(DimensionMismatchError, match="8 dimensions"):
        maxsim(np.ones((1, 8)), [np.ones((1, 9))])


def test_a_query_without_vectors_is_refused():
    with pytest.raises(InputError, match="at least one token"):
        maxsim(np.empty((0, 8)), [])
