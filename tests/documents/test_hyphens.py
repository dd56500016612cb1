"""Words that are divided at the end of a line, with and without a hyphen of their own."""

from __future__ import annotations

import numpy as np
import pytest

from maxsight.documents.cleaning import join_words
from maxsight.types import Page, TextSource

ENGLISH = "the company reports that its results for this year are better than they were before"


def joined(first_line: str, second_line: str, rest: str = ENGLISH) -> str:
    """The text of two lines, and of a third that says what words the page has."""
    lines = [line.split() for line in (first_line, second_line, rest)]
    tokens = [token for line in lines for token in line]
    starts = [number == 0 for line in lines for number in range(len(line))]
    boxes = np.tile(np.array([[0, 0, 1, 1]], np.float32), (len(tokens), 1))
    text = join_words(tokens, starts, boxes, TextSource.LAYER).text
    return text.removesuffix(f"\n{rest}")


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("a founda-", "tional idea", "a foundational\nidea"),
        ("a founda\u2010", "tional, bold idea", "a foundational,\nbold idea"),
        ("an OVER-", "VIEW of it", "an OVERVIEW\nof it"),
        ("co-op self-explana-", "tory", "co-op self-explanatory"),
        ("sur-", "prisingly small", "surprisingly\nsmall"),
        ("a well\u00ad", "known soft hyphen", "a wellknown\nsoft hyphen"),
    ],
)
def test_a_syllable_loses_the_hyphen_of_its_line(first, second, expected):
    assert joined(first, second) == expected


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("the long-", "term debt", "the long-term\ndebt"),
        ("a non-", "recurring gain", "a non-recurring\ngain"),
        ("the Sarbanes-", "Oxley act", "the Sarbanes-Oxley\nact"),
        ("an FDIC-", "insured bank", "an FDIC-insured\nbank"),
        ("the divestiture-", "related costs", "the divestiture-related\ncosts"),
        ("an available-for-", "sale asset", "an available-for-sale\nasset"),
    ],
)
def test_a_compound_keeps_its_hyphen(first, second, expected):
    assert joined(first, second) == expected


def test_the_page_decides_before_english_does():
    assert joined("a non-", "controlling share", f"{ENGLISH} noncontrolling") == "a noncontrolling\nshare"
    assert joined("a multi-", "plex thing", f"{ENGLISH} multi-plex") == "a multi-plex\nthing"


def test_another_language_is_not_judged_by_english():
    german = "der Anteil und das Ergebnis sind wie folgt gestiegen und werden nun verteilt"
    assert joined("das ist ein-", "mal so", german) == "das ist einmal\nso"
    french = "peut quelque chose vient toujours aussi parce elles sont venues ainsi"
    assert joined("elle vient peut-", "être demain", f"{french} être") == "elle vient peut-être\ndemain"


@pytest.mark.parametrize(
    ("first", "second"),
    [("from 2019-", "2020"), ("a dash -", "and more"), ("a number-", "12"), ("\u65e5\u672c-", "\u8a9e")],
)
def test_other_hyphens_divide_no_word(first, second):
    assert joined(first, second) == f"{first}\n{second}"


def test_the_parts_of_a_divided_word_are_words_whose_spans_touch():
    boxes = np.array([[0.5, 0.1, 0.9, 0.2], [0.1, 0.3, 0.4, 0.4], [0.45, 0.3, 0.5, 0.4]], np.float32)
    reading = join_words(["founda-", "tional", "idea"], [True, True, False], boxes, TextSource.LAYER)
    assert reading.words.spans.tolist() == [[0, 6], [6, 12], [13, 17]]
    assert reading.words.boxes.tolist() == boxes.tolist()
    page = Page(0, reading.text, reading.words, reading.source)
    assert page.whole_words.tolist() == [0, 0, 1]


def test_a_long_blob_without_spaces_is_a_word_like_others():
    blob = "a" * 300_000 + "1"
    assert joined(f"{blob}-", "next", "founda- tional") == f"{blob}-\nnext"
