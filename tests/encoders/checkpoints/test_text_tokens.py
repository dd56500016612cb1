import re

import numpy as np
import pytest

pytest.importorskip("torch", reason="the extra 'colpali' is not installed")

from maxsight.encoders.checkpoints.text_tokens import Tokens, text_spans
from maxsight.types import Words


def words_of(text):
    spans = [match.span() for match in re.finditer(r"\S+", text)]
    return Words(np.array(spans, np.int32).reshape(-1, 2), None)


def letters_of(text, before=2, after=1):
    """One token per letter, as of a tokenizer that knows no words, with special ones before and after."""
    own = [(place, place + 1) for place, letter in enumerate(text) if not letter.isspace()]
    return Tokens({}, np.array([(0, 0)] * before + own + [(0, 0)] * after, np.int32))


def texts_of(tokens, windows, text):
    spans = [tokens.spans[window][tokens.from_text[window]] for window in windows]
    return [text[own[0, 0] : own[-1, 1]] for own in spans]


def test_a_text_that_fits_is_one_window():
    text = "ab cd"
    (window,) = letters_of(text).windows(words_of(text), 7)
    assert window.tolist() == list(range(7))


def test_a_longer_text_is_cut_between_words_into_windows_about_as_long():
    """14 letters, room for 10 - 3 = 7: two windows of 7, the first cut back to the word that begins at or before."""
    text = "abc de fgh ij klmn"
    tokens = letters_of(text)
    windows = tokens.windows(words_of(text), 10)
    assert texts_of(tokens, windows, text) == ["abc de", "fgh ij", "klmn"]
    text = "abc defg hij klmn"
    tokens = letters_of(text)
    assert texts_of(tokens, tokens.windows(words_of(text), 10), text) == ["abc defg", "hij klmn"]


def test_a_word_that_fills_half_a_window_is_cut():
    text = "ab cdefghijklmnop"
    tokens = letters_of(text)
    assert texts_of(tokens, tokens.windows(words_of(text), 9), text) == ["ab cdef", "ghijk", "lmnop"]


def test_every_token_is_in_one_window_and_the_special_ones_in_all():
    text = "the quick brown fox jumps over the lazy dog " * 30
    tokens = letters_of(text)
    for length in (4, 9, 17, 100, 5000):
        windows = tokens.windows(words_of(text), length)
        assert max(map(len, windows)) <= length
        own = np.concatenate([window[2:-1] for window in windows])
        assert own.tolist() == np.flatnonzero(tokens.from_text).tolist()
        for window in windows:
            assert window[[0, 1, -1]].tolist() == [0, 1, len(tokens.spans) - 1]


def test_a_text_without_tokens_has_no_windows():
    assert letters_of("").windows(words_of(""), 10) == []


def test_offsets_become_spans_of_the_text_behind_the_prompt():
    """The tokens are [CLS], the prompt "[D] ", "net", " sales" with its space, a line break, "up", [SEP]."""
    text = "net sales\nup"
    offsets = [[0, 0], [0, 4], [4, 7], [7, 13], [13, 14], [14, 16], [0, 0]]
    spans = text_spans(offsets, "[D] ", text)
    assert [text[start:end] for start, end in spans] == ["", "", "net", "sales", "u", "up", ""]


def test_a_token_that_reaches_into_the_prompt_stands_for_its_part_of_the_text():
    """Of the prompt "page: " and "net", a tokenizer that keeps spaces makes "page:" and " net"."""
    spans = text_spans([[0, 5], [5, 9]], "page: ", "net")
    assert spans.tolist() == [[0, 0], [0, 3]]
