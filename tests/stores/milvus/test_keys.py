"""Where a page's vectors lie: runs of primary keys, known from its id."""

import numpy as np

from maxsight.stores.milvus.keys import PLACES, page_key, place_of, places, vector_keys, vectors_of

LONGEST = 4096


def test_a_page_lies_at_the_same_place_every_time_and_in_every_process():
    # sha256("page") begins with 3660315a9af3df25: its first 50 bits, then the place's bit
    assert page_key("page") == 0x3660315A9AF3DF25 >> 14 << 1 == 478294182254494


def test_a_page_that_is_written_again_goes_to_its_other_place_and_back():
    first = page_key("page")
    second = page_key("page", other_than=first)
    assert second == first + 1
    assert page_key("page", other_than=second) == first


def test_keys_fit_64_bits_and_the_longest_pages_do_not_meet():
    for place in (0, 1, PLACES - 1):
        keys = vector_keys(place, LONGEST)
        assert keys.dtype == np.int64
        assert keys.min() >= 0
        assert set(place_of(keys).tolist()) == {place}
        assert len(np.unique(keys)) == LONGEST


def test_ids_are_spread_over_all_places():
    keys = np.array([page_key(f"{number}") for number in range(4000)])
    quarters = np.bincount(keys * 4 // PLACES, minlength=4)
    assert quarters.min() > 900


def test_expressions_name_just_the_vectors_of_a_page():
    assert places([3]) == "(pk >= 12288 and pk < 16384)"
    rows = [{"vectors_key": 0, "vector_count": 2}, {"vectors_key": 2, "vector_count": 1}]
    assert vectors_of(rows) == "(pk >= 0 and pk < 2) or (pk >= 8192 and pk < 8193)"
