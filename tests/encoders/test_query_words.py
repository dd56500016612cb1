import numpy as np
import pytest

from maxsight.encoders.query_words import bare_word, has_words, query_of_tokens


def query_of(text, spans):
    return query_of_tokens(text, np.eye(len(spans), dtype=np.float32), np.array(spans, np.int32))


@pytest.mark.parametrize(("text", "expected"), [
    ("sales", True), ("5%", True), ("$", True), ("C++", True), ("", False), (" \n", False),
    ("? -- \u2026", False), ("?! net", True),
])  # fmt: skip
def test_a_text_of_white_space_and_punctuation_has_no_words(text, expected):
    assert has_words(text) is expected


def test_a_word_is_shown_without_the_punctuation_of_its_sentence():
    shown = [bare_word(word) for word in ('"net', "2023)?", "5%", "C++", "e.g.")]
    assert shown == ["net", "2023", "5%", "C++", "e.g"]


def test_tokens_belong_to_their_word_and_added_ones_to_none():
    """Of "net sales, -- 5%" the tokens are [CLS], net, sal, es, the comma, the dashes, 5, %, [MASK]."""
    spans = [[0, 0], [0, 3], [4, 7], [7, 9], [9, 10], [11, 13], [14, 15], [15, 16], [0, 0]]
    query = query_of("net sales, -- 5%", spans)
    assert query.words == ("net", "sales", "5%")
    assert query.word_index.tolist() == [-1, 0, 1, 1, 1, -1, 2, 2, -1]


def test_words_without_a_token_are_left_out():
    query = query_of("net sales rose", [[4, 9]])
    assert query.words == ("sales",)
    assert query.word_index.tolist() == [0]


def test_a_token_has_the_text_of_its_span_and_an_added_one_has_none():
    assert query_of("net sales", [[0, 0], [0, 3], [3, 7], [7, 9]]).tokens == ("", "net", "sal", "es")
