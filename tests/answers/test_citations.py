from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maxsight.answers.citations import Citation, CitationReader


def read(*pieces):
    reader = CitationReader()
    found = [one for piece in pieces for one in reader.feed(piece)] + [*reader.finish()]
    merged = []
    for one in found:
        if merged and isinstance(one, str) and isinstance(merged[-1], str):
            merged[-1] += one
        else:
            merged.append(one)
    return merged


@pytest.mark.parametrize(
    "said, found",
    [
        ("Nine percent [1].", ["Nine percent ", Citation(1), "."]),
        ("[1][3]", [Citation(1), Citation(3)]),
        ("[1, 12; 2]", [Citation(1), Citation(12), Citation(2)]),
        ("[page 4]", [Citation(4)]),
        ("in [2024] and [sic] and [", ["in [2024] and [sic] and ["]),
        ("a[i] = [1 2]", ["a[i] = [1 2]"]),
        ("", []),
    ],
)
def test_numbers_in_square_brackets_are_citations_and_nothing_else_is(said, found):
    assert read(said) == found


@given(cuts=st.sets(st.integers(1, 39)))
def test_citations_are_found_whatever_pieces_an_answer_comes_in(cuts):
    said = "It rose [1, 2] then fell [page 3], [so]."
    edges = [0, *sorted(cuts), len(said)]
    assert read(*(said[start:end] for start, end in pairwise(edges))) == read(said)


def test_text_is_not_held_back_for_a_bracket_that_can_be_no_citation():
    reader = CitationReader()
    assert [*reader.feed("see [https://")] == ["see [https://"]
    assert [*reader.feed(" and [")] == [" and "]
