"""Shadows count once, and columns of vertical writing are read from the right."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from maxsight.documents import OcrChoice, ReadSettings
from maxsight.documents.cleaning import join_words
from maxsight.documents.pdf import PdfSource
from maxsight.documents.word_order import order_columns, set_ruby_apart
from maxsight.types import TextSource
from pdf_files import raw_pdf, stream, write_pdf

NO_OCR = ReadSettings(ocr=OcrChoice.NONE, dpi=100)
COLUMNS = (
    "\u543e\u8f29\u306f\u732b\u3067\u3042\u308b",
    "\u540d\u524d\u306f\u307e\u3060\u7121\u3044",
    "\u3069\u3053\u3067\u751f\u308c\u305f\u304b",
)


def text_of(path: Path) -> str:
    source = PdfSource(path, NO_OCR)
    try:
        return source.read_page(0).text
    finally:
        source.close()


def test_a_shadow_is_not_read_and_repeated_words_are(tmp_path):
    lines = [
        (73.5, 145.5, "Quarterly heading"),
        (72, 144, "Quarterly heading"),
        (72, 200, "1 1 2 2 the the end"),
        (72, 216, "1 1 2 2 the the end"),
    ]
    text = "Quarterly heading\n1 1 2 2 the the end\n1 1 2 2 the the end"
    assert text_of(write_pdf(tmp_path / "a.pdf", [lines])) == text


def has_japanese_font():
    return shutil.which("fc-list") and subprocess.check_output(["fc-list", ":lang=ja", "file"])


@pytest.mark.skipif(not has_japanese_font(), reason="needs a Japanese font: apt install fonts-noto-cjk")
@pytest.mark.parametrize("drawn", [(0, 1, 2), (2, 1, 0)])
def test_columns_of_vertical_writing_are_read_from_the_right(tmp_path, drawn):
    content = b"".join(
        b"BT /V 20 Tf 1 0 0 1 %d 250 Tm <%s> Tj ET "
        % (200 - 40 * number, COLUMNS[number].encode("utf-16-be").hex().encode())
        for number in drawn
    )
    path = tmp_path / "a.pdf"
    path.write_bytes(
        raw_pdf(
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 300] /Contents 4 0 R"
            b" /Resources << /Font << /V 5 0 R >> >> >>",
            stream(content),
            b"<< /Type /Font /Subtype /Type0 /BaseFont /HeiseiMin-W3-UniJIS-UCS2-V /Encoding /UniJIS-UCS2-V"
            b" /DescendantFonts [6 0 R] >>",
            b"<< /Type /Font /Subtype /CIDFontType0 /BaseFont /HeiseiMin-W3 /FontDescriptor 7 0 R"
            b" /CIDSystemInfo << /Registry (Adobe) /Ordering (Japan1) /Supplement 2 >> >>",
            b"<< /Type /FontDescriptor /FontName /HeiseiMin-W3 /Flags 4 /FontBBox [-123 -257 1001 910]"
            b" /ItalicAngle 0 /Ascent 709 /Descent -241 /CapHeight 709 /StemV 69 >>",
        )
    )
    assert text_of(path) == "\n".join(COLUMNS)


def test_tiers_of_columns_are_read_from_the_top_and_other_lines_stay(tmp_path):
    """A heading, two columns above two others, and a page number."""
    boxes = [
        [10, 0, 90, 10],
        [10, 60, 20, 100],
        [10, 15, 20, 50],
        [30, 60, 40, 100],
        [30, 15, 40, 50],
        [50, 110, 55, 118],
    ]
    tokens = ["\u65e5\u672c\u306e\u8a71", *["\u65e5\u672c\u8a9e"] * 4, "7"]
    order = order_columns(tokens, [True] * 6, np.array(boxes, np.float32))
    assert order.tolist() == [0, 4, 2, 3, 1, 5]


def test_characters_without_blanks_are_not_set_apart_and_cells_are():
    """Widths of a character: 10; between the characters 8, between the cells 40."""
    tokens = ["\u4f01", "\u4e1a", "\u5e74", "in", "2024"]
    boxes = (
        np.array([[0, 0, 10, 10], [18, 0, 28, 10], [68, 0, 78, 10], [80, 0, 90, 10], [92, 0, 110, 10]]) / 200
    )
    reading = join_words(tokens, [True, *[False] * 4], boxes, TextSource.TESSERACT)
    assert reading.text == "\u4f01\u4e1a \u5e74 in 2024"
    assert [reading.text[slice(*span)] for span in reading.words.spans] == [
        "\u4f01\u4e1a",
        "\u5e74",
        "in",
        "2024",
    ]
    np.testing.assert_allclose(reading.words.boxes[0] * 200, [0, 0, 28, 10], atol=1e-4)


def test_a_narrow_comma_is_not_set_apart():
    """OCR's boxes end at the ink: the comma is 3 wide, and 6 from the character before it, which is 5 wide."""
    boxes = np.array([[0, 0, 5, 10], [11, 0, 14, 10]]) / 200
    assert join_words(["\u3092", "\u3001"], [True, False], boxes, TextSource.TESSERACT).text == "\u3092\u3001"


def test_ruby_does_not_cut_the_line_that_it_stands_above():
    """Characters are 10 by 10; the ruby above 騒音 is 4 high, between the two parts of the line in the file."""
    tokens = ["騒音", "そうおん", "の原因", "かく"]
    boxes = np.array([[0, 10, 20, 20], [2, 6, 18, 10], [20, 10, 50, 20], [0, 40, 20, 50]], np.float32)
    order, starts = set_ruby_apart(tokens, [True, True, True, True], boxes)
    assert [tokens[index] for index in order] == ["騒音", "の原因", "かく", "そうおん"]
    assert starts == [True, False, True, True]
    order, starts = set_ruby_apart(["net", "sales"], [True, False], boxes[:2])
    assert (order.tolist(), starts) == ([0, 1], [True, False])
