from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from fpdf import FPDF
from PIL import Image, ImageDraw, ImageFont

from maxsight.documents import Limits, OcrChoice, ReadSettings
from maxsight.documents.pdf import PdfSource
from maxsight.errors import UnreadableDocumentError, UnsupportedFormatError
from maxsight.types import TextSource
from pdf_files import (
    change_page,
    ink_under,
    mapped_font_pdf,
    raw_pdf,
    stream,
    words_of,
    write_pdf,
    write_scan,
)

NO_OCR = ReadSettings(ocr=OcrChoice.NONE, dpi=100)


def read(path: Path, page_index: int = 0, settings: ReadSettings = NO_OCR):
    source = PdfSource(path, settings)
    try:
        return source.read_page(page_index), source.render_page(page_index)
    finally:
        source.close()


def picture_of(text: str, size: tuple[int, int] = (1224, 1584), font_px: int = 48) -> Image.Image:
    image = Image.new("RGB", size, "white")
    ImageDraw.Draw(image).text((100, 200), text, fill="black", font=ImageFont.load_default(font_px))
    return image


def test_words_have_spans_into_the_text_and_boxes_on_the_picture(tmp_path):
    path = write_pdf(tmp_path / "a.pdf", [[(72, 144, "Net sales grew"), (72, 200, "by 7%")]])
    page, image = read(path)
    assert page.text == "Net sales grew\nby 7%"
    assert words_of(page) == ["Net", "sales", "grew", "by", "7%"]
    assert page.text_source is TextSource.LAYER
    assert (page.width_pt, page.height_pt) == (612, 792)
    assert image.size == (850, 1100)
    x0, y0, x1, y1 = page.words.boxes[0]
    assert x0 == pytest.approx(72 / 612, abs=0.004)
    assert y0 < 144 / 792 < y1 + 0.004  # the baseline
    assert x1 - x0 == pytest.approx(23 / 612, abs=0.01)
    assert all(ink_under(image, box) > 0.05 for box in page.words.boxes)


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
@pytest.mark.parametrize("crop", [None, (50, 500, 400, 700)])
def test_boxes_match_the_picture_of_turned_and_cropped_pages(tmp_path, rotation, crop):
    path = write_pdf(tmp_path / "a.pdf", [[(72, 144, "MMMM iiiiii"), (300, 250, "WW")]])
    page, image = read(change_page(path, rotation=rotation, crop=crop))
    assert words_of(page) == ["MMMM", "iiiiii", "WW"]
    assert min(ink_under(image, box) for box in page.words.boxes) > 0.08
    blanked = np.asarray(image.convert("L")).copy()
    for x0, y0, x1, y1 in page.words.boxes * [image.width, image.height, image.width, image.height]:
        blanked[int(y0) : int(np.ceil(y1)), int(x0) : int(np.ceil(x1))] = 255
    assert (blanked < 128).sum() == 0, "ink is left outside the boxes"
    expected = (350, 200) if crop else (612, 792)
    assert (page.width_pt, page.height_pt) == (expected if rotation % 180 == 0 else expected[::-1])


def test_words_outside_the_crop_box_are_not_on_the_page(tmp_path):
    path = write_pdf(tmp_path / "a.pdf", [[(72, 20, "PRINTERS MARKS"), (72, 144, "Seen words")]])
    page, _ = read(change_page(path, crop=(0, 0, 612, 740)))
    assert page.text == "Seen words"


def test_right_to_left_text_is_in_logical_order_with_boxes_where_it_stands(tmp_path):
    """On paper from left to right: dalet gimel, bet alef; it is read from the right."""
    path = tmp_path / "hebrew.pdf"
    letters = {ord("A"): "\u05d0", ord("B"): "\u05d1", ord("C"): "\u05d2", ord("D"): "\u05d3", 32: " "}
    path.write_bytes(mapped_font_pdf(b"DC BA", letters))
    page, image = read(path)
    assert words_of(page) == ["\u05d0\u05d1", "\u05d2\u05d3"]
    first, second = page.words.boxes
    assert first[0] > second[2], "the first word stands right of the second"
    assert min(ink_under(image, box) for box in page.words.boxes) > 0.05


def test_a_word_that_is_divided_between_lines_is_one_word_in_two_boxes(tmp_path):
    path = write_pdf(tmp_path / "a.pdf", [[(72, 144, "this is a contin-"), (72, 160, "uation of it")]])
    page, image = read(path)
    assert page.text == "this is a continuation\nof it"
    assert words_of(page)[3:5] == ["contin", "uation"]
    assert page.whole_words.tolist() == [0, 1, 2, 3, 3, 4, 5]
    assert min(ink_under(image, box) for box in page.words.boxes) > 0.05
    heights = page.words.boxes[:, 3] - page.words.boxes[:, 1]
    assert heights.max() < 20 / 792, "no box spans two lines"


def test_text_is_valid_and_without_invisible_characters(tmp_path):
    path = tmp_path / "a.pdf"
    letters = {65: "of\u00adfice", 66: "\ufb01ne", 67: "\u200bx\u0007y", 68: "\U0001d400", 32: " "}
    path.write_bytes(mapped_font_pdf(b"A B C D", letters))
    page, _ = read(path)
    assert words_of(page) == ["office", "fine", "xy", "\U0001d400"]
    page.text.encode("utf-8")


@pytest.mark.parametrize(
    "mapping", [{65 + i: "\ufffd" for i in range(26)}, {65 + i: chr(0xE000 + i) for i in range(26)}]
)
def test_a_text_layer_of_unmapped_glyphs_is_not_used(tmp_path, mapping):
    path = tmp_path / "a.pdf"
    path.write_bytes(mapped_font_pdf(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ", mapping))
    page, _ = read(path)
    assert (page.text, len(page.words), page.text_source) == ("", 0, TextSource.NONE)


def test_a_font_that_is_not_embedded_keeps_its_words_and_letters_outside_16_bits(tmp_path):
    """No letter of this font has a Unicode map by pdfium's account, and its text is right."""
    path = tmp_path / "a.pdf"
    letters = {65 + i: chr(0x1D400 + i) for i in range(26)}
    path.write_bytes(mapped_font_pdf(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ", letters))
    page, _ = read(path)
    assert page.text == "".join(letters.values())
    path.write_bytes(mapped_font_pdf(b"Arial and Courier New", None).replace(b"/ToUnicode 6 0 R", b""))
    page, _ = read(path)
    assert page.text == "Arial and Courier New"


def test_a_page_without_text_is_kept_empty_when_ocr_is_off(tmp_path):
    page, _ = read(write_scan(tmp_path / "scan.pdf", picture_of("never read")))
    assert (page.text, len(page.words), page.text_source) == ("", 0, TextSource.NONE)
    assert page.words.boxes.shape == (0, 4)


@pytest.mark.parametrize("stamp", ["", "Scanned 2024-01-01"])
def test_a_scan_is_read_by_ocr_even_under_a_scanners_stamp(tmp_path, stamp):
    path = write_scan(
        tmp_path / "scan.pdf", picture_of("The quick brown fox\njumps over the lazy dog"), stamp=stamp
    )
    page, image = read(path, settings=ReadSettings(ocr=OcrChoice.RAPIDOCR, dpi=100))
    assert page.text_source is TextSource.RAPIDOCR
    assert words_of(page)[:9] == "The quick brown fox jumps over the lazy dog".split()
    assert min(ink_under(image, box) for box in page.words.boxes[:9]) > 0.05


def test_a_caption_over_a_picture_without_words_is_kept(tmp_path):
    image = Image.new("RGB", (612, 792), "white")
    ImageDraw.Draw(image).ellipse((100, 100, 500, 500), fill="navy")
    page, _ = read(
        write_scan(tmp_path / "a.pdf", image, stamp="Figure one"),
        settings=ReadSettings(ocr=OcrChoice.RAPIDOCR),
    )
    assert (page.text, page.text_source) == ("Figure one", TextSource.LAYER)


def test_what_was_filled_into_a_form_is_read_and_drawn(tmp_path):
    font = b"/Resources << /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >>"
    appearance = b"/Type /XObject /Subtype /Form /BBox [0 0 100 30] " + font
    path = tmp_path / "form.pdf"
    path.write_bytes(
        raw_pdf(
            b"<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [4 0 R] >> >>",
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 200] /Contents 6 0 R /Annots [4 0 R] %s >>"
            % font,
            b"<< /Type /Annot /Subtype /Widget /FT /Tx /T (name) /V (Ada) /Rect [150 50 250 80] /F 4"
            b" /AP << /N 5 0 R >> >>",
            stream(b"BT /F1 18 Tf 5 8 Td (Ada) Tj ET", appearance),
            stream(b"BT /F1 18 Tf 50 58 Td (Name:) Tj ET"),
        )
    )
    source = PdfSource(path, NO_OCR)
    for _ in range(2):
        page = source.read_page(0)
        assert words_of(page) == ["Name:", "Ada"]
        image = source.render_page(0)
        assert min(ink_under(image, box) for box in page.words.boxes) > 0.08
    assert page.words.boxes[1][0] == pytest.approx(155 / 300, abs=0.01)
    source.close()


def test_a_page_in_larger_units_is_as_large_as_it_is_printed(tmp_path):
    path = write_pdf(tmp_path / "a.pdf", [[(72, 144, "Net sales grew")]])
    path.write_bytes(path.read_bytes().replace(b"/Type /Page\n", b"/Type /Page /UserUnit 2.5\n"))
    page, image = read(path)
    assert (page.width_pt, page.height_pt) == (1530, 1980)
    assert image.size == (2125, 2750)
    assert all(ink_under(image, box) > 0.05 for box in page.words.boxes)


def test_a_page_over_the_pixel_limit_is_drawn_smaller(tmp_path):
    path = write_pdf(tmp_path / "a.pdf", [[(72, 144, "Words")]])
    limits = Limits(max_pixels=400_000)
    _, image = read(path, settings=ReadSettings(ocr=OcrChoice.NONE, dpi=300, limits=limits))
    assert 390_000 < image.width * image.height <= 400_000


def test_a_page_that_is_too_large_even_at_low_resolution_is_refused(tmp_path):
    path = write_pdf(tmp_path / "a.pdf", [[(72, 144, "Words")]])
    with pytest.raises(
        UnreadableDocumentError, match=r"page 1: the page is 8 x 11 inches, more than 1,000 pixels"
    ):
        read(path, settings=ReadSettings(ocr=OcrChoice.NONE, limits=Limits(max_pixels=1000)))


@pytest.mark.parametrize("password", [None, "wrong"])
def test_an_encrypted_pdf_is_refused_with_a_hint(tmp_path, password):
    path = encrypted(tmp_path / "a.pdf")
    with pytest.raises(UnreadableDocumentError, match="encrypted") as refused:
        PdfSource(path, ReadSettings(password=password))
    assert refused.value.hint == "Give the password with --password."
    assert ("wrong" in refused.value.reason) == (password is not None)


def test_an_encrypted_pdf_is_read_with_its_password(tmp_path):
    page, _ = read(
        encrypted(tmp_path / "a.pdf"), settings=ReadSettings(ocr=OcrChoice.NONE, password="open sesame")
    )
    assert page.text == "Secret words"


def encrypted(path: Path, user_password: str = "open sesame") -> Path:
    pdf = FPDF()
    pdf.set_encryption(owner_password="owner", user_password=user_password)
    pdf.add_page()
    pdf.set_font("Helvetica", size=14)
    pdf.text(20, 20, "Secret words")
    pdf.output(str(path))
    return path


def test_a_text_file_named_pdf_is_refused(tmp_path):
    path = tmp_path / "notes.pdf"
    path.write_text("Just some notes.")
    with pytest.raises(UnsupportedFormatError, match="is not a PDF"):
        PdfSource(path, NO_OCR)


def test_a_pdf_without_pages_is_refused(tmp_path):
    path = tmp_path / "none.pdf"
    path.write_bytes(raw_pdf(b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [] /Count 0 >>"))
    with pytest.raises(UnreadableDocumentError, match="no pages"):
        PdfSource(path, NO_OCR)


def test_an_encrypted_pdf_whose_pages_are_lost_is_not_said_to_have_none(tmp_path):
    content = encrypted(tmp_path / "a.pdf", user_password="").read_bytes()
    (tmp_path / "a.pdf").write_bytes(content.replace(b"/Pages ", b"/Pagex "))
    with pytest.raises(UnreadableDocumentError, match="encrypted, and its pages can't be found") as refused:
        PdfSource(tmp_path / "a.pdf", NO_OCR)
    assert "without protection" in refused.value.hint


def test_pages_that_are_compressed_with_brotli_are_named(tmp_path):
    path = tmp_path / "a.pdf"
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 200] /Contents 4 0 R >>"
    pages = b"<< /Type /Pages /Kids [%s] /Count 1 >>"
    packed = stream(b"\x8b\x02\x80hello\x03", b"/Filter /BrotliDecode ")
    path.write_bytes(raw_pdf(b"<< /Type /Catalog /Pages 2 0 R >>", pages % b"3 0 R", page, packed))
    source = PdfSource(path, NO_OCR)
    with pytest.raises(UnreadableDocumentError, match="page 1: the page is compressed with Brotli"):
        source.read_page(0)
    source.close()
    path.write_bytes(raw_pdf(b"<< /Type /Catalog >>", pages % b"", page, packed))
    with pytest.raises(UnreadableDocumentError, match="the PDF is compressed with Brotli"):
        PdfSource(path, NO_OCR)


def test_a_pdf_of_noise_is_refused(tmp_path):
    path = tmp_path / "noise.pdf"
    path.write_bytes(b"%PDF-1.7\n" + bytes(range(256)) * 20 + b"%%EOF")
    with pytest.raises(UnreadableDocumentError, match="damaged"):
        PdfSource(path, NO_OCR)


@pytest.mark.parametrize("choice", [OcrChoice.NONE, OcrChoice.RAPIDOCR])
def test_of_a_truncated_pdf_the_whole_pages_are_read_and_the_others_named(tmp_path, choice):
    """Five pages behind an early trailer, as in PDFs for the web, cut within the third page's content."""
    content = five_pages()
    path = tmp_path / "cut.pdf"
    path.write_bytes(content[: content.index(b"Page number 3")])
    source = PdfSource(path, ReadSettings(ocr=choice))
    assert source.page_count == 5
    assert [source.read_page(index).text for index in (0, 1)] == ["Page number 1", "Page number 2"]
    for index in (2, 3, 4):
        with pytest.raises(UnreadableDocumentError, match="cut short") as failed:
            source.read_page(index)
        assert failed.value.page_number == index + 1
        assert "Fetch the file again" in failed.value.hint
    source.close()


def test_a_pdf_cut_before_its_trailer_is_refused_as_cut_short(tmp_path):
    whole = write_pdf(tmp_path / "a.pdf", [[(72, 144, "One")], [(72, 144, "Two")]])
    whole.write_bytes(whole.read_bytes()[:600])
    with pytest.raises(UnreadableDocumentError, match="cut short and nothing of it can be read"):
        PdfSource(whole, NO_OCR)


def five_pages() -> bytes:
    kids = b" ".join(b"%d 0 R" % (3 + 2 * index) for index in range(5))
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [" + kids + b"] /Count 5 >>"]
    font = b"/Resources << /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >>"
    for index in range(5):
        page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 200] /Contents %d 0 R %s >>"
        objects.append(page % (4 + 2 * index, font))
        objects.append(stream(b"BT /F1 24 Tf 20 100 Td (Page number %d) Tj ET" % (index + 1)))
    return raw_pdf(*objects).replace(b"%PDF-1.7\n", b"%PDF-1.7\ntrailer << /Size 13 /Root 1 0 R >>\n", 1)


def test_a_page_that_does_not_exist_is_an_error(tmp_path):
    source = PdfSource(write_pdf(tmp_path / "a.pdf", [[(72, 144, "One")]]), NO_OCR)
    with pytest.raises(UnreadableDocumentError, match=r"page 8: there is no such page; the file has 1"):
        source.read_page(7)
    source.close()
