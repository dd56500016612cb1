import numpy as np
import pytest

from maxsight.encoders.query_words import bare_word, has_words, texts_of_tokens, words_of_tokens


@pytest.mark.parametrize(("text", "expected"), [
    ("sales", True), ("5%", True), ("$", True), ("C++", True), ("", False), (" \n", False),
    ("? -- \u2026", False), ("?! net", True),
])  # fmt: skip
def test_a_text_of_white_space_and_punctuation_has_no_words(text, expected):
    assert has_words(text) is expected


def test_a_word_is_shown_without_the_punctuation_of_its_sentence():
    shown = [bare_word(word) for word in ('"net', "2023)?", "5%", "C++", "e.g.")]
    assert shown == ["net", "2023", "5%", "C++", "e.g"]


def test_tokens_belong_to_the_word_they_stand_in_and_added_ones_to_none():
    """Of "net sales, -- 5%" the tokens are [CLS], net, sal, es, the comma, the dashes, 5, %, [MASK]."""
    spans = [[0, 0], [0, 3], [4, 7], [7, 9], [9, 10], [11, 13], [14, 15], [15, 16], [0, 0]]
    words, word_index = words_of_tokens("net sales, -- 5%", np.array(spans, np.int32))
    assert words == ("net", "sales", "5%")
    assert word_index.tolist() == [-1, 0, 1, 1, 1, -1, 2, 2, -1]


def test_words_that_no_token_is_left_of_are_left_out():
    words, word_index = words_of_tokens("net sales rose", np.array([[4, 9]], np.int32))
    assert words == ("sales",)
    assert word_index.tolist() == [0]


def test_a_token_says_what_stands_at_its_span_and_an_added_one_nothing():
    spans = np.array([[0, 0], [0, 3], [3, 7], [7, 9]], np.int32)
    assert texts_of_tokens("net sales", spans) == ("", "net", "sal", "es")
