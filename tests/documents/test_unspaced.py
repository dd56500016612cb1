"""Words and lines of scripts without spaces, in pictures of 200 by 200 with characters of 10 by 10."""

import numpy as np
import pytest

from maxsight.documents.cleaning import join_words
from maxsight.types import Page, TextSource

SIZE = 10


def read(*lines, left=0, leading=15):
    """Lines of full-width characters, one below the other."""
    boxes = np.array(
        [
            [left, row * leading, left + SIZE * len(line), row * leading + SIZE]
            for row, line in enumerate(lines)
        ]
    )
    return join_words(list(lines), [True] * len(lines), boxes / 200, TextSource.LAYER)


def words_of(reading):
    return [reading.text[slice(*span)] for span in reading.words.spans]


def test_each_word_of_a_run_has_its_own_box():
    reading = read("騒音の原因を調べる")
    assert words_of(reading) == ["騒音", "の", "原因", "を", "調べる"]
    np.testing.assert_allclose(
        (reading.words.boxes * 200)[:, [0, 2]], [[0, 20], [20, 30], [30, 50], [50, 60], [60, 90]], atol=1e-3
    )


def test_a_column_of_vertical_writing_is_divided_from_the_top():
    reading = join_words(["騒音の原因"], [True], np.array([[50, 0, 60, 50]]) / 200, TextSource.LAYER)
    np.testing.assert_allclose(
        reading.words.boxes * 200, [[50, 0, 60, 20], [50, 20, 60, 30], [50, 30, 60, 50]], atol=1e-3
    )


def test_narrow_letters_take_half_of_a_wide_ones_room():
    reading = join_words(["ABで"], [True], np.array([[0, 0, 20, 10]]) / 200, TextSource.LAYER)
    assert words_of(reading) == ["AB", "で"]
    np.testing.assert_allclose((reading.words.boxes * 200)[:, [0, 2]], [[0, 10], [10, 20]], atol=1e-3)


def test_a_full_line_goes_on_in_the_next_one_without_a_blank():
    reading = read("室外機から大きな騒音が聞こえ", "るときは確認してください。")
    assert reading.text == "室外機から大きな騒音が聞こえるときは確認してください。"
    assert (reading.words.boxes[:, 1] * 200).round().astype(int).tolist() == sorted(
        (reading.words.boxes[:, 1] * 200).round().astype(int).tolist()
    )


def test_a_full_column_goes_on_in_the_column_left_of_it():
    columns = ("室外機から大きな騒音が聞こえ", "るときは確認してください。")
    boxes = np.array(
        [[180 - 15 * row, 0, 190 - 15 * row, SIZE * len(text)] for row, text in enumerate(columns)]
    )
    assert join_words(list(columns), [True, True], boxes / 200, TextSource.LAYER).text == "".join(columns)


@pytest.mark.parametrize(
    "lines",
    [
        ("騒音について", "室外機から大きな騒音が聞こえ"),  # a heading
        ("東京都", "大阪府"),  # cells
        ("室外機から大きな騒音がします。", "圧縮機のボルトを確認します"),  # a sentence ends
        ("室外機から大きな騒音がします", "・圧縮機のボルトを確認する"),  # a list
        ("The quick brown fox", "over the lazy dog"),
    ],
)
def test_other_lines_stay_lines(lines):
    assert read(*lines).text == "\n".join(lines)


def test_lines_that_are_far_apart_stay_lines():
    lines = ("室外機から大きな騒音が聞こえ", "るときは確認してください")
    assert read(*lines, leading=40).text == "\n".join(lines)


def test_words_that_touch_are_not_parts_of_one_word():
    reading = read("Windows10での設定")
    page = Page(0, reading.text, reading.words, reading.source)
    assert page.whole_words.tolist() == [0, 1, 2, 3]
