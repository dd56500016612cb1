from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maxsight.documents.cleaning import (
    NOTHING_READ,
    clean,
    find_words,
    join_words,
)
from maxsight.documents.geometry import clip_boxes, fitting_dpi, rotate_boxes
from maxsight.types import TextSource


def test_cleaning_keeps_letters_and_drops_what_is_not_seen():
    assert clean("plain") == "plain"
    assert clean("co\u00adoperate\u200b") == "cooperate"
    assert clean("\ufb03 \u2066x\u2069 a\x07b") == "ffi x ab"
    assert clean("\ufefb") == "\u0644\u0627", "an Arabic ligature becomes its letters"
    assert (
        clean("\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645")
        == "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"
    )
    assert clean("\ud835\udc00") == "\U0001d400", "halves of a pair are joined"
    assert clean("x\ud835") == "x\ufffd"


@given(st.lists(st.tuples(st.text(), st.booleans())))
def test_joined_words_are_where_their_spans_say(items):
    tokens = ["".join(token.split()) for token, _ in items]
    boxes = np.tile(np.array([[0, 0, 1, 1]], np.float32), (len(items), 1))
    reading = join_words(tokens, [starts for _, starts in items], boxes, TextSource.LAYER)
    found = [reading.text[start:end] for start, end in reading.words.spans]
    cleaned = [word for token in tokens if (word := clean(token).strip())]
    whole, at = "".join(found), 0
    for token in cleaned:
        at += len(token) - (not whole.startswith(token, at))  # only a hyphen at the end of a line is dropped
    assert at == len(whole)
    assert len(reading.words.boxes) == len(found)
    assert reading.text.encode("utf-8").decode("utf-8") == reading.text


def test_no_words_come_from_nowhere():
    assert join_words(["\u200b"], [True], np.zeros((1, 4)), TextSource.LAYER).source is TextSource.NONE
    assert NOTHING_READ.words.boxes.shape == (0, 4)


def test_words_without_spaces_are_cut():
    assert find_words("x" * 450 + " y").spans.tolist() == [[0, 200], [200, 400], [400, 450], [451, 452]]


@pytest.mark.parametrize(
    ("degrees", "expected"),
    [
        (0, (0.1, 0.2, 0.3, 0.25)),
        (90, (0.75, 0.1, 0.8, 0.3)),
        (180, (0.7, 0.75, 0.9, 0.8)),
        (270, (0.2, 0.7, 0.25, 0.9)),
    ],
)
def test_a_box_turns_with_its_page(degrees, expected):
    """A box near the top left lies near the top right once the page has been turned clockwise."""
    assert rotate_boxes(np.array([[0.1, 0.2, 0.3, 0.25]]), degrees)[0] == pytest.approx(expected)


def test_boxes_are_brought_onto_the_page():
    boxes = clip_boxes(np.array([[-0.5, 0.9, 0.5, 0.1], [np.nan, 0, 2, 1]]))
    np.testing.assert_allclose(boxes, [[0, 0.1, 0.5, 0.9], [0, 0, 1, 1]], rtol=1e-6)


def test_the_resolution_is_lowered_to_fit():
    assert fitting_dpi(612, 792, 200, 10_000_000) == 200
    dpi = fitting_dpi(612, 792, 200, 1_000_000)
    assert 0.99e6 < (8.5 * dpi) * (11 * dpi) <= 1e6
