"""``LIKE`` patterns: what they match, and that no pattern takes long."""

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maxsight.errors import FilterError
from maxsight.stores.conditions import Like, decide
from maxsight.stores.fields import FieldType
from maxsight.stores.filters import parse_filter
from maxsight.stores.local.store import LocalStore
from maxsight.stores.patterns import MAX_PATTERN_LENGTH
from store_pages import CODEC, MANIFEST, make_page

PATTERNS = st.text(st.sampled_from("ab%_\\\n\u03c3\u03a3\u03c2"), max_size=12)
TEXTS = st.text(st.sampled_from("abA%_\\\n\u03c3\u03a3\u03c2"), max_size=12)


def backtracking_regex(pattern):
    """The pattern as a plain regular expression: easy to believe, and exponential in the number of ``%``."""
    tokens = re.findall(r"\\?.", pattern, flags=re.DOTALL)
    wild = {"%": ".*", "_": "."}
    return re.compile("".join(wild.get(token) or re.escape(token[-1]) for token in tokens), re.DOTALL)


@settings(max_examples=1000, deadline=None)
@given(TEXTS, PATTERNS)
def test_a_pattern_matches_what_a_backtracking_regex_matches(text, pattern):
    assert decide(Like("path", pattern), {"path": text}) is bool(backtracking_regex(pattern).fullmatch(text))


@settings(max_examples=500, deadline=None)
@given(TEXTS, PATTERNS)
def test_ilike_matches_the_same_in_lower_case_with_one_small_sigma(text, pattern):
    text_folded, pattern_folded = (each.lower().replace("\u03c2", "\u03c3") for each in (text, pattern))
    expected = bool(backtracking_regex(pattern_folded).fullmatch(text_folded))
    assert decide(Like("path", pattern, any_case=True), {"path": text}) is expected


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        ("%a" * 30 + "%b", "a" * 200, False),
        ("%a" * 30 + "%b", "a" * 200 + "b", True),
        ("%a_" * 30 + "b", "a" * 200, False),
        ("%_a" * 2000 + "%", "a" * 4096, True),
        ("%_a" * 2000 + "%c", "a" * 4096, False),
        ("%" * 4096, "a" * 200, True),
        ("%" * 4095 + "b", "a" * 200, False),
    ],
    ids=str,
)
def test_no_pattern_takes_long(pattern, text, matches):
    """A backtracking regex tries every way to place 30 ``a`` in 200: 10^35 of them."""
    start = time.process_time()
    assert decide(Like("path", pattern), {"path": text}) is matches
    assert time.process_time() - start < 5


def test_a_pattern_is_as_long_as_the_longest_path_and_no_longer(tmp_path):
    """Lance makes a regular expression of it, which has a limit of size."""
    fields = {"path": FieldType.TEXT}
    longest = "\U0001f600%" * (MAX_PATTERN_LENGTH // 2)
    with LocalStore.create(tmp_path / "test.library", MANIFEST, codec=CODEC) as store:
        store.put([make_page("\U0001f600" * 50, 0, "x")])
        for operator in ("LIKE", "ILIKE"):
            where = parse_filter(f"path {operator} '{longest}'", fields)
            assert [name for pages in store.vectors(where=where) for name in pages.page_ids] == []
            with pytest.raises(FilterError, match="a LIKE pattern has 4,097 characters; the limit is 4,096"):
                parse_filter(f"path {operator} '{longest}%'", fields)
