import numpy as np
import pytest

from maxsight.errors import InputError
from maxsight.quality.ocr import PlacedWords
from maxsight.quality.training.error_rates import compare_by_place, compare_texts, normalise, number_lines


def placed(*words):
    return PlacedWords(
        [text for text, *_ in words], np.array([box for _, *box in words], float).reshape(-1, 4)
    )


TWO_COLUMNS = placed(
    ("north", 0, 0, 50, 10), ("wind", 60, 0, 100, 10), ("south", 300, 0, 350, 10), ("sea", 360, 0, 390, 10),
    ("blows", 0, 20, 50, 30), ("cold", 60, 20, 100, 30), ("lies", 300, 20, 340, 30), ("still", 350, 20, 390, 30),
)  # fmt: skip


def test_character_errors_by_hand():
    """kitten -> sitting: two substitutions and one insertion over 6 characters; the only word is wrong."""
    rates = compare_texts("kitten", "sitting")
    assert rates.characters == pytest.approx(3 / 6)
    assert rates.words == 1


def test_added_text_can_exceed_the_reference_and_is_clipped_to_one_for_learning():
    rates = compare_texts("ab", "ab xyz uvw")
    assert rates.characters == pytest.approx(8 / 2)
    assert rates.words == pytest.approx(2 / 1)
    assert (rates.cer, rates.wer) == (1, 1)


def test_reading_a_column_first_is_no_error():
    columns = [0, 1, 4, 5, 2, 3, 6, 7]
    read = PlacedWords([TWO_COLUMNS.texts[n] for n in columns], TWO_COLUMNS.boxes[columns])
    assert compare_by_place(TWO_COLUMNS, read).characters == 0
    assert compare_texts(" ".join(TWO_COLUMNS.texts), " ".join(read.texts)).characters > 0.3


def test_a_missing_word_is_an_error():
    """37 characters with the spaces within the two lines; `sea` and its space are missing: 4 edits, 1 of 8 words."""
    kept = [n for n, text in enumerate(TWO_COLUMNS.texts) if text != "sea"]
    read = PlacedWords([TWO_COLUMNS.texts[n] for n in kept], TWO_COLUMNS.boxes[kept])
    rates = compare_by_place(TWO_COLUMNS, read)
    length = len("north wind south sea") + len("blows cold lies still")
    assert rates.characters == pytest.approx(4 / length)
    assert rates.words == pytest.approx(1 / 8)


def test_a_word_on_blank_paper_is_an_error():
    boxes = np.vstack([TWO_COLUMNS.boxes, [0, 500, 50, 510]])
    rates = compare_by_place(TWO_COLUMNS, PlacedWords([*TWO_COLUMNS.texts, "ghost"], boxes))
    assert rates.words == pytest.approx(1 / 8)


def test_boxes_may_be_off_by_a_third_of_a_line():
    read = PlacedWords(TWO_COLUMNS.texts, np.add(TWO_COLUMNS.boxes, [2, 3, 2, 3]))
    assert compare_by_place(TWO_COLUMNS, read).characters == 0


def test_an_engine_that_reads_nothing_has_an_error_rate_of_one():
    rates = compare_by_place(TWO_COLUMNS, placed())
    assert (rates.characters, rates.words) == (1, 1)


def test_a_reference_without_words_is_refused():
    with pytest.raises(InputError, match="no words"):
        compare_by_place(placed((".....", 0, 0, 9, 9)), TWO_COLUMNS)
    with pytest.raises(InputError, match="no words"):
        compare_texts("  --- ", "text")


def test_typography_is_no_error():
    assert normalise("ﬁrst  “quoted”\n\u2013 2²") == 'first "quoted" 22'
    assert normalise("Total ....... 12 • $") == "Total 12"
    assert compare_texts("Total", "TOTAL").characters == pytest.approx(4 / 5)


def test_words_of_one_height_stand_in_one_line():
    assert number_lines(TWO_COLUMNS.boxes).tolist() == [0, 0, 0, 0, 1, 1, 1, 1]
