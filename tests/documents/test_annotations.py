"""What annotations show is text of the page; what they only note is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from maxsight.documents import OcrChoice, ReadJob, ReadSettings, read_documents
from maxsight.documents.pdf import PdfSource
from maxsight.notices import Notices
from maxsight.types import Page
from pdf_files import ink_under, raw_pdf, stream, words_of

NO_OCR = ReadSettings(ocr=OcrChoice.NONE, dpi=100)
FONT = b"/Resources << /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >>"
STICKY = "sticky notes and comments were not read"


def appearance(text: bytes) -> bytes:
    return stream(
        b"BT /F1 12 Tf 2 5 Td (%s) Tj ET" % text, b"/Type /XObject /Subtype /Form /BBox [0 0 200 20] " + FONT
    )


def annotated(
    path: Path, *annotations: bytes, catalog: bytes = b"", objects: tuple[bytes, ...] = (), font: str = "page"
) -> Path:
    """A page that says "Body text", with annotations (objects 6, 7, ...) and further objects after them.

    Args:
        font: Whether the font is the page's own ("page") or inherited from the tree of pages ("tree").
    """
    numbers = b" ".join(b"%d 0 R" % number for number in range(6, 6 + len(annotations)))
    own, inherited = (FONT, b"") if font == "page" else (b"", FONT)
    path.write_bytes(
        raw_pdf(
            b"<< /Type /Catalog /Pages 2 0 R %s >>" % catalog,
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 %s >>" % inherited,
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 300] /Contents 4 0 R /Annots [%s] %s >>"
            % (numbers, own),
            stream(b"BT /F1 14 Tf 20 250 Td (Body text) Tj ET"),
            b"<< >>",
            *annotations,
            *objects,
        )
    )
    return path


def annotation(kind: bytes, row: int, entries: bytes) -> bytes:
    return b"<< /Type /Annot /Subtype /%s /Rect [20 %d 220 %d] %s >>" % (
        kind,
        200 - 40 * row,
        220 - 40 * row,
        entries,
    )


def value(text: bytes, entries: bytes = b"") -> bytes:
    return annotation(
        b"Widget", 0, b"/F 4 /FT /Tx /T (name) /V (%s) /DA (/Helv 12 Tf 0 g) %s" % (text, entries)
    )


FORM = (
    b"/AcroForm << /Fields [6 0 R] /DA (/Helv 12 Tf 0 g) /DR << /Font << /Helv"
    b" << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >> %s >>"
)


def read(path: Path) -> Page:
    """Read a page twice, and check that each of its words has ink."""
    source = PdfSource(path, NO_OCR)
    try:
        page, again = source.read_page(0), source.read_page(0)
        image = source.render_page(0)
    finally:
        source.close()
    assert again.text == page.text
    assert min(ink_under(image, box) for box in page.words.boxes) > 0.03
    return page


@pytest.mark.parametrize(
    ("widget", "need"),
    [
        (value(b"Ada Lovelace"), b""),
        (value(b"Ada Lovelace"), b"/NeedAppearances true"),
        (value(b"Ada Lovelace", b"/AP << /N 7 0 R >>"), b"/NeedAppearances true"),
    ],
    ids=["no appearance", "no appearance, asked for", "empty appearance"],
)
def test_a_form_value_without_an_appearance_is_read_and_drawn(tmp_path, widget, need):
    empty = stream(b"/Tx BMC EMC", b"/Type /XObject /Subtype /Form /BBox [0 0 200 20] ")
    page = read(annotated(tmp_path / "a.pdf", widget, catalog=FORM % need, objects=(empty,)))
    assert words_of(page) == ["Body", "text", "Ada", "Lovelace"]


def test_a_form_field_of_a_file_that_lost_its_form_is_read_and_drawn(tmp_path):
    widget = value(b"Ada", b"/AP << /N 7 0 R >>")
    page = read(annotated(tmp_path / "a.pdf", widget, objects=(appearance(b"Ada"),)))
    assert words_of(page) == ["Body", "text", "Ada"]


@pytest.mark.parametrize("kind", [b"FreeText", b"Stamp"])
def test_text_boxes_and_stamps_are_read_unless_they_are_hidden(tmp_path, kind):
    flags = {b"seen": 4, b"hidden": 2, b"unseen": 32}
    shown = [
        annotation(kind, row, b"/F %d /AP << /N %d 0 R >>" % (flag, 9 + row))
        for row, flag in enumerate(flags.values())
    ]
    page = read(annotated(tmp_path / "a.pdf", *shown, objects=tuple(map(appearance, flags))))
    assert words_of(page) == ["Body", "text", "seen"]
    assert page.unread == ()


def test_a_text_box_without_an_appearance_is_written_onto_the_page(tmp_path):
    hidden = annotation(b"FreeText", 2, b"/F 2 /Contents (hidden)")
    box = annotation(
        b"FreeText", 0, b"/F 4 /DA (0 g /Helv 14 Tf) /Contents (The harbour closes at noon on Sundays)"
    )
    page = read(annotated(tmp_path / "a.pdf", box, hidden))
    assert page.text == "Body text\nThe harbour closes at noon\non Sundays"
    assert page.words.boxes[2] == pytest.approx([20 / 300, 80 / 300, 43 / 300, 97 / 300], abs=0.02)
    assert page.unread == ()


@pytest.mark.parametrize("size", [b"1.2.12", b".", b"0", b"12."])
def test_a_size_of_a_text_box_that_is_no_size_costs_no_page(tmp_path, size):
    box = annotation(b"FreeText", 0, b"/F 4 /DA (0 g /Helv %s Tf) /Contents (Closed)" % size)
    source = PdfSource(annotated(tmp_path / "a.pdf", box), NO_OCR)
    assert (
        words_of(source.read_page(0))[:3] == ["Body", "text", "Closed"][: 2 if size in (b"1.", b".5") else 3]
    )
    source.close()


def test_annotations_do_not_cost_a_page_the_fonts_that_it_inherits(tmp_path):
    """Flattening gives the page fonts of its own, and so takes away those of the tree of pages."""
    stamp = annotation(b"Stamp", 0, b"/F 4 /AP << /N 7 0 R >>")
    page = read(annotated(tmp_path / "a.pdf", stamp, objects=(appearance(b"PAID"),), font="tree"))
    assert words_of(page) == ["Body", "text", "PAID"]


def noticed(path: Path) -> list[str]:
    notices = Notices(lambda _: None)
    list(read_documents([ReadJob(path, name=path.name)], NO_OCR, workers=1, notices=notices))
    return [str(notice) for notice in notices.events()]


def test_sticky_notes_are_named_and_links_are_not(tmp_path):
    link = annotation(b"Link", 0, b"/Contents (where it leads)")
    note = annotation(b"Text", 1, b"/F 4 /Contents (Please check this number)")
    empty = annotation(b"Highlight", 2, b"/F 4")
    assert noticed(annotated(tmp_path / "link.pdf", link, empty)) == []
    assert noticed(annotated(tmp_path / "note.pdf", link, note)) == [f"{STICKY} (note.pdf)"]


def test_attachments_and_xfa_forms_are_named(tmp_path):
    attached = b"/Names << /EmbeddedFiles << /Names [(a.txt) 6 0 R] >> >>"
    file = b"<< /Type /Filespec /F (a.txt) /EF << /F 7 0 R >> >>"
    path = annotated(
        tmp_path / "a.pdf", catalog=attached, objects=(file, stream(b"hello", b"/Type /EmbeddedFile "))
    )
    assert noticed(path) == [
        "attached files, or the files of a portfolio, were not read; save and index them on their own (a.pdf)"
    ]
    xfa = b"/NeedsRendering true /AcroForm << /Fields [] /XFA [(template) 6 0 R] >>"
    path = annotated(tmp_path / "x.pdf", catalog=xfa, objects=(stream(b"<template/>"),))
    (notice,) = noticed(path)
    assert notice.startswith("a form of the kind XFA was not read")
