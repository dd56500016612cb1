"""Accents that are glyphs of their own, as TeX sets them, and the Arabic glyph of two letters."""

from __future__ import annotations

from pathlib import Path

import pytest

from maxsight.documents import OcrChoice, ReadSettings
from maxsight.documents.pdf import PdfSource
from pdf_files import ink_under, mapped_font_pdf, raw_pdf, stream, words_of

NO_OCR = ReadSettings(ocr=OcrChoice.NONE, dpi=100)
FONT = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"


def read(path: Path, content: bytes):
    """Read a page, and check that each of its words has ink."""
    path.write_bytes(content)
    source = PdfSource(path, NO_OCR)
    try:
        page, image = source.read_page(0), source.render_page(0)
    finally:
        source.close()
    assert min(ink_under(image, box) for box in page.words.boxes) > 0.03
    return page


def helvetica(content: bytes) -> bytes:
    return raw_pdf(
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 200] /Contents 4 0 R"
        b" /Resources << /Font << /F1 5 0 R >> >> >>",
        stream(b"BT /F1 20 Tf 20 100 Td " + content + b" ET"),
        FONT,
    )


@pytest.mark.parametrize(
    ("content", "text"),
    [
        # Kerning moves back by 444/1000 of the size: the accent (333 wide) stands over the u (556 wide).
        (rb"[(M) -111 (\250) 444 (uller said)] TJ", "Müller said"),
        (rb"[(M) (u) 444 (\250) -111 (ller said)] TJ", "Müller said"),
        (rb"[(Ren) -111 (\264) 444 (e) ( here)] TJ", "René here"),
        (rb"[(gar) 0 (c) 416 (\270) -83 (on)] TJ", "garçon"),
        (rb"0 0 Td 167 0 Td () Tj -167 0 Td 3.3 4 Td (\264) Tj -3.3 -4 Td (Emile came) Tj", "Émile came"),
        (rb"(a ^ b, x~y, `quoted\264) Tj", "a ^ b, x~y, `quoted\u00b4"),
    ],
    ids=["before", "after", "at the end", "below", "raised", "not an accent"],
)
def test_accents_drawn_apart_are_part_of_their_letters(tmp_path, content, text):
    assert read(tmp_path / "a.pdf", helvetica(content)).text == text


def test_the_glyph_of_lam_alef_is_two_letters_in_the_order_they_are_read(tmp_path):
    """On paper from left to right: lam, lam-alef, kha; it is read from the right."""
    lam, alef, kha = "\u0644", "\u0627", "\u062e"
    page = read(
        tmp_path / "a.pdf", mapped_font_pdf(b"LXK", {ord("L"): lam, ord("X"): lam + alef, ord("K"): kha})
    )
    assert page.text == kha + lam + alef + lam


def test_the_article_is_not_lam_alef(tmp_path):
    lam, alef, beh = "\u0644", "\u0627", "\u0628"
    page = read(tmp_path / "a.pdf", mapped_font_pdf(b"BLA", {ord("B"): beh, ord("L"): lam, ord("A"): alef}))
    assert words_of(page) == [alef + lam + beh]


def test_a_mark_without_a_character_for_it_and_its_letter_follows_the_letter(tmp_path):
    """The mark (a glyph 500 wide) is drawn first, and over the x (500 wide)."""
    mapped = mapped_font_pdf(b"axb", {ord("a"): "a", ord("x"): "x", ord("b"): "b", ord("v"): "\u0302"})
    drawn = mapped.replace(b"<617862> Tj", b"[(a) -84 <76> 584 (xb)] TJ")
    assert drawn != mapped
    assert read(tmp_path / "a.pdf", drawn).text == "ax\u0302b"
