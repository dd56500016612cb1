"""Words and lines of scripts without spaces, in pictures of 200 by 200 with characters of 10 by 10."""

from contextlib import closing

import numpy as np
import pytest

from maxsight.documents import OcrChoice, ReadSettings
from maxsight.documents.cleaning import join_words
from maxsight.documents.pdf import PdfSource
from maxsight.types import Page, TextSource
from pdf_files import mapped_font_pdf
from pdf_files import words_of as pdf_words

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


def test_words_of_a_pdf_have_the_boxes_that_the_file_gives_to_their_characters(tmp_path):
    """Codes of Helvetica stand for Japanese: W is 0.944 of the size wide, i is 0.222. Nothing is divided evenly."""
    codes = b"WabciABC"
    (tmp_path / "a.pdf").write_bytes(
        mapped_font_pdf(codes, dict(zip(codes, "騒音の原因を調べ", strict=True)))
    )
    with closing(PdfSource(tmp_path / "a.pdf", ReadSettings(ocr=OcrChoice.NEVER))) as source:
        page = source.read_page(0)
    assert page.text == "騒音の原因を調べ"
    boxes = dict(zip(pdf_words(page), page.words.boxes * [300, 200, 300, 200], strict=True))
    widths = {word: round(float(box[2] - box[0]), 1) for word, box in boxes.items()}
    assert widths == {
        "騒音": round(24 * (0.944 + 0.556), 1),
        "の": round(24 * 0.556, 1),
        "原因": round(24 * (0.5 + 0.222), 1),
        "を": round(24 * 0.667, 1),
        "調べ": round(24 * (0.667 + 0.722), 1),
    }
