"""Where a page's vectors lie: runs of primary keys, known from its id."""

import numpy as np

from maxsight.stores.milvus.keys import (
    PLACES,
    choose_place,
    make_vector_keys,
    match_places,
    match_vectors,
    to_places,
)

LONGEST = 4096


def test_a_page_has_the_same_place_in_every_process():
    # sha256("page") begins with 3660315a9af3df25: its first 50 bits, then the place's bit
    assert choose_place("page") == 0x3660315A9AF3DF25 >> 14 << 1 == 478294182254494


def test_a_page_that_is_written_again_goes_to_its_other_place_and_back():
    first = choose_place("page")
    second = choose_place("page", other_than=first)
    assert second == first + 1
    assert choose_place("page", other_than=second) == first


def test_keys_fit_64_bits_and_the_longest_pages_do_not_overlap():
    for place in (0, 1, PLACES - 1):
        keys = make_vector_keys(place, LONGEST)
        assert keys.dtype == np.int64
        assert keys.min() >= 0
        assert set(to_places(keys).tolist()) == {place}
        assert len(np.unique(keys)) == LONGEST


def test_ids_are_spread_over_all_places():
    keys = np.array([choose_place(f"{number}") for number in range(4000)])
    quarters = np.bincount(keys * 4 // PLACES, minlength=4)
    assert quarters.min() > 900


def test_expressions_match_only_the_vectors_of_a_page():
    assert match_places([3]) == "(pk >= 12288 and pk < 16384)"
    rows = [{"vectors_key": 0, "vector_count": 2}, {"vectors_key": 2, "vector_count": 1}]
    assert match_vectors(rows) == "(pk >= 0 and pk < 2) or (pk >= 8192 and pk < 8193)"
