"""Where the words of a given text stand on a page that OCR has read."""

import numpy as np

from maxsight.documents.records.placing import place_words
from maxsight.types import Page, TextSource, Words


def read(text):
    """A page on which each word stands one tenth further down."""
    spans, start = [], 0
    for word in text.split():
        start = text.index(word, start)
        spans.append((start, start + len(word)))
        start += len(word)
    boxes = np.array([[0, row / 10, 0.5, (row + 1) / 10] for row in range(len(spans))], np.float32)
    return Page(
        0, text, Words(np.array(spans, np.int32).reshape(-1, 2), boxes.reshape(-1, 4)), TextSource.TESSERACT
    )


def rows(words):
    return None if words.boxes is None else (words.boxes[:, 1] * 10).round().astype(int).tolist()


def test_words_stand_where_ocr_has_read_them_whatever_their_markup():
    placed = place_words("# Net Sales\n\n| rose | <b>4%</b> |", read("NET SALES, rose 4%"))
    assert rows(placed) == [0, 0, 1, 1, 2, 2, 3, 3]


def test_a_word_that_ocr_misread_has_the_place_of_the_word_before():
    assert rows(place_words("the quick brown fox", read("the qu1ck brown fox"))) == [0, 0, 2, 3]


def test_words_have_no_places_where_the_text_is_another_pages_or_nothing_was_read():
    assert rows(place_words("something else altogether", read("the quick brown fox"))) is None
    assert rows(place_words("some words", read(""))) is None
    assert rows(place_words("| --- |", read("the quick"))) is None
