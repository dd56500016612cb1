import numpy as np
import pytest

from maxsight.encoders import FakeEncoder
from maxsight.errors import InputError


def test_a_word_has_one_vector_whatever_its_case_and_punctuation():
    query = FakeEncoder().encode_query('Revenue revenue, "REVENUE" cost')
    np.testing.assert_array_equal(query.vectors[0], query.vectors[1])
    np.testing.assert_array_equal(query.vectors[0], query.vectors[2])
    assert query.vectors[0] @ query.vectors[3] < 0.9


def test_the_dimension_can_be_chosen():
    encoder = FakeEncoder(dim=8)
    assert encoder.space.dim == 8
    assert encoder.encode_query("word").vectors.shape == (1, 8)


def test_a_dimension_below_two_is_refused():
    with pytest.raises(InputError, match="at least 2, got 1"):
        FakeEncoder(dim=1)


def test_its_vectors_are_the_same_on_every_machine_and_in_every_process():
    vector = FakeEncoder(dim=4).encode_query("library").vectors[0]
    np.testing.assert_allclose(vector, EXPECTED, atol=1e-6)


EXPECTED = [0.322363, -0.227519, 0.660577, -0.638713]
