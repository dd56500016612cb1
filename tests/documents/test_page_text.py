"""What a page says, where its text layer is missing, wrong or only a part of it."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from fpdf import FPDF
from PIL import Image, ImageDraw, ImageFont

from maxsight.documents import OcrChoice, ReadSettings
from maxsight.documents.base import NO_WORDS
from maxsight.documents.pdf import PdfSource
from maxsight.types import Page, SourceReason, TextRun, TextSource
from pdf_files import ink_under, raw_pdf, stream, words_of

ENGINE = (
    pytest.param(
        TextSource.TESSERACT,
        marks=pytest.mark.skipif(not shutil.which("tesseract"), reason="tesseract is not installed"),
    ),
    TextSource.RAPIDOCR,
)
PROSE = [
    "The tannery soaks the hides in lime for eleven days",
    "and turns them in the pit each morning before work.",
    "After that the hair is scraped off on the beam by hand.",
    "Oak bark from the northern slopes gives the best colour.",
    "Every vat is numbered and the dates are kept in a book.",
]
HIDDEN = [
    "Clearance of the roller bearings",
    "Grease the spindle every forty hours",
    "Torque the flange bolts crosswise",
]
FONT = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding %s >>"


def read(path: Path, ocr: OcrChoice | TextSource = OcrChoice.RAPIDOCR) -> Page:
    source = PdfSource(path, ReadSettings(ocr=OcrChoice(ocr)))
    try:
        return source.read_page(0)
    finally:
        source.close()


def text_pdf(
    path: Path, lines: list[tuple[int, str, str]], maps: dict[str, dict[str, str]], extra: bytes = b""
) -> Path:
    """A page of lines ``(y, font, text)``. A font's map says what the layer reads for each of its letters."""
    fonts, objects = [], []
    for number, (name, letters) in enumerate(maps.items()):
        fonts.append(b"/%s %d 0 R" % (name.encode(), 5 + 2 * number))
        pairs = b"\n".join(
            b"<%02x> <%s>" % (ord(letter), read.encode("utf-16-be").hex().encode())
            for letter, read in letters.items()
        )
        cmap = (
            b"/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /X def /CMapType 2 def\n"
            b"1 begincodespacerange <00> <ff> endcodespacerange\n%d beginbfchar\n%s\nendbfchar endcmap end end"
        )
        objects += [FONT % (b"/ToUnicode %d 0 R" % (6 + 2 * number)), stream(cmap % (len(letters), pairs))]
    shown = b"\n".join(
        b"BT /%s %d Tf 60 %d Td (%s) Tj ET" % (font.encode(), 22 if font == "Head" else 13, y, text.encode())
        for y, font, text in lines
    )
    path.write_bytes(
        raw_pdf(
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << %s >> >> >>"
            % b" ".join(fonts),
            stream(shown + extra),
            *objects,
        )
    )
    return path


LETTERS = {chr(code): chr(code) for code in range(32, 127)}
CIPHER = LETTERS | {
    letter: other
    for small in ("abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    for letter, other in zip(small, small[5:] + small[:5], strict=True)
}
SIGNS = LETTERS | dict(zip("abcdefghijklmnopqrstuvwxyz", ",-+)2(38!1#*9/4:;57=60&%$?", strict=True))


def body(start: int = 700) -> list[tuple[int, str, str]]:
    return [(start - 24 * row, "Body", line) for row, line in enumerate(PROSE)]


@pytest.mark.parametrize("engine", ENGINE)
@pytest.mark.parametrize("letters", [CIPHER, SIGNS], ids=["cipher", "signs"])
def test_a_layer_that_says_something_else_than_the_page_shows_is_read_again(tmp_path, letters, engine):
    page = read(text_pdf(tmp_path / "a.pdf", body(), {"Body": letters}), engine)
    assert page.text == "\n".join(PROSE)
    assert page.text_source is engine
    assert page.text_runs == (TextRun(engine, len(words_of(page)), SourceReason.GARBLED),)


@pytest.mark.parametrize("engine", ENGINE)
def test_only_the_garbled_heading_of_a_good_page_is_read_again(tmp_path, engine):
    lines = [(760, "Head", "Leather from the river mill"), *body()]
    page = read(text_pdf(tmp_path / "a.pdf", lines, {"Head": CIPHER, "Body": LETTERS}), engine)
    assert page.text.split("\n") == ["Leather from the river mill", *PROSE]
    words = len(words_of(page))
    assert page.text_runs == (TextRun(engine, 5, SourceReason.GARBLED), TextRun(TextSource.LAYER, words - 5))
    assert page.text_source is TextSource.LAYER
    _, y0, _, y1 = page.words.boxes[0]
    assert y0 < (842 - 760) / 842 < y1 + 0.01, "the box is around the heading"


def test_odd_text_that_the_page_really_shows_is_kept(tmp_path):
    odd = ["wkh hdvwhuq slhu rshqv dw vhyhq rq zlqwhu gdbv", "qrw d zrug ri wklv lv hqjolvk exw lw lv vkrzq"]
    lines = [(600 - 24 * row, "Body", line) for row, line in enumerate(odd)]
    page = read(text_pdf(tmp_path / "a.pdf", lines, {"Body": LETTERS}))
    assert page.text.split("\n") == odd
    assert (page.text_source, page.text_runs) == (TextSource.LAYER, ())


def drawn(lines: list[str], size: tuple[int, int] = (1240, 1754), font_px: int = 40) -> Image.Image:
    image = Image.new("RGB", size, "white")
    pen, font = ImageDraw.Draw(image), ImageFont.load_default(font_px)
    for row, line in enumerate(lines):
        pen.text((120, 150 + 90 * row), line, fill="black", font=font)
    return image


def test_a_screenshot_pasted_into_a_page_is_read_where_it_stands(tmp_path):
    pdf = FPDF(unit="pt", format=(595, 842))
    pdf.add_page()
    pdf.set_font("Helvetica", size=12)
    for row, line in enumerate([*PROSE, *PROSE]):
        pdf.text(60, (80 if row < 5 else 600) + 20 * row, line)
    pdf.image(drawn(HIDDEN, (1000, 560)), 60, 240, 450, 252)
    pdf.output(str(tmp_path / "a.pdf"))
    page = read(tmp_path / "a.pdf")
    assert page.text.split("\n") == [*PROSE, *HIDDEN, *PROSE]
    counts = [len(" ".join(part).split()) for part in (PROSE, HIDDEN, PROSE)]
    assert page.text_runs == (
        TextRun(TextSource.LAYER, counts[0]),
        TextRun(TextSource.RAPIDOCR, counts[1], SourceReason.DRAWN),
        TextRun(TextSource.LAYER, counts[2]),
    )
    source = PdfSource(tmp_path / "a.pdf", ReadSettings(dpi=100))
    image = source.render_page(0)
    source.close()
    assert min(ink_under(image, box) for box in page.words.boxes) > 0.05


def test_a_notice_over_a_scan_does_not_hide_the_scan(tmp_path):
    notice = "Downloaded from the archive of the society for the history of the river trades on request of a reader."
    pdf = FPDF(unit="pt", format=(595, 842))
    pdf.add_page()
    pdf.image(drawn(HIDDEN), 0, 0, 595, 842)
    pdf.set_font("Helvetica", size=6)
    for row in range(2):
        pdf.text(40, 800 + 10 * row, notice)
    pdf.output(str(tmp_path / "a.pdf"))
    page = read(tmp_path / "a.pdf")
    assert page.text.split("\n") == [*HIDDEN, notice, notice]


def test_outlines_of_letters_are_read_beside_a_page_number(tmp_path):
    """Rows of dark pixels as filled rectangles: text that a layout program turned into shapes."""
    pixels = np.asarray(drawn(HIDDEN, (595, 842), 24).convert("L")) < 128
    shapes = []
    for y, row in enumerate(pixels):
        edges = np.flatnonzero(np.diff(np.concatenate([[0], row.astype(np.int8), [0]])))
        shapes += [
            b"%d %d %d 1 re" % (x0, 841 - y, x1 - x0) for x0, x1 in zip(edges[::2], edges[1::2], strict=True)
        ]
    path = text_pdf(
        tmp_path / "a.pdf", [(20, "Body", "12")], {"Body": LETTERS}, b"\n" + b"\n".join(shapes) + b" f"
    )
    assert read(path).text.split("\n") == [*HIDDEN, "12"]


@pytest.mark.parametrize(
    ("ocr", "source"),
    [(OcrChoice.ALWAYS, None), (OcrChoice.NEVER, TextSource.LAYER), ("none", TextSource.LAYER)],
)
def test_a_user_can_ask_for_ocr_on_every_page_or_on_none(tmp_path, ocr, source):
    page = read(text_pdf(tmp_path / "a.pdf", body(), {"Body": CIPHER}), ocr)
    if source is TextSource.LAYER:
        assert page.text_source is TextSource.LAYER
        assert words_of(page)[1] == "yfssjwd"
    else:
        assert page.text == "\n".join(PROSE)
        assert [run.reason for run in page.text_runs] == [SourceReason.ASKED]


def test_a_page_with_ink_and_no_words_says_so(tmp_path):
    pdf = FPDF(unit="pt", format=(595, 842))
    pdf.add_page()
    pdf.ellipse(100, 100, 300, 300, style="F")
    pdf.add_page()
    pdf.output(str(tmp_path / "a.pdf"))
    source = PdfSource(tmp_path / "a.pdf", ReadSettings(ocr=OcrChoice.RAPIDOCR))
    assert [source.read_page(index).unread for index in (0, 1)] == [(NO_WORDS,), ()]
    source.close()
