"""Text that a person does not see is not read."""

from __future__ import annotations

from pathlib import Path

import pytest

from maxsight.documents import OcrChoice, ReadSettings
from maxsight.documents.pdf import PdfSource
from pdf_files import raw_pdf, stream, words_of

NO_OCR = ReadSettings(ocr=OcrChoice.NONE, dpi=100)
FONT = b"/Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >>"
SECRET = b"BT /F1 14 Tf 20 100 Td (secret words) Tj ET "


def words_on(path: Path) -> list[str]:
    source = PdfSource(path, NO_OCR)
    try:
        return words_of(source.read_page(0))
    finally:
        source.close()


def page_of(path: Path, content: bytes, *, resources: bytes = b"", catalog: bytes = b"", objects=()) -> Path:
    """A page that says "Seen text", and what ``content`` draws. Further objects are 5, 6, ..."""
    path.write_bytes(
        raw_pdf(
            b"<< /Type /Catalog /Pages 2 0 R %s >>" % catalog,
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 200] /Contents 4 0 R /Resources << %s %s >> >>"
            % (FONT, resources),
            stream(b"BT /F1 14 Tf 20 150 Td (Seen text) Tj ET " + content),
            *objects,
        )
    )
    return path


@pytest.mark.parametrize(
    "content",
    [
        SECRET + b"1 1 1 rg 10 90 150 30 re f",
        SECRET + b"0 0 0 rg 10 95 150 18 re f",
        b"0 0 10 10 re W n " + SECRET,
        b"1 1 1 rg " + SECRET,
        b"3 Tr " + SECRET,
    ],
    ids=["under a white shape", "blacked out", "outside the clip", "white on white", "invisible"],
)
def test_text_without_ink_is_not_read(tmp_path, content):
    assert words_on(page_of(tmp_path / "a.pdf", b"q " + content + b" Q")) == ["Seen", "text"]


@pytest.mark.parametrize(
    "content",
    [
        b"1 1 1 rg 10 90 150 30 re f 0 g " + SECRET,
        b"0 0 0 rg 10 90 150 30 re f 1 g " + SECRET,
        b"0.97 g " + SECRET,
        b"BT /F1 3 Tf 20 100 Td (secret words) Tj ET",
    ],
    ids=["over a shape", "white on black", "pale", "tiny"],
)
def test_text_with_ink_is_read(tmp_path, content):
    assert words_on(page_of(tmp_path / "a.pdf", b"q " + content + b" Q")) == [
        "Seen",
        "text",
        "secret",
        "words",
    ]


@pytest.mark.parametrize("state", [b"OFF", b"ON"])
@pytest.mark.parametrize("how", ["marked", "form"])
def test_a_layer_that_is_switched_off_is_not_read(tmp_path, how, state):
    form = stream(
        SECRET, b"/Type /XObject /Subtype /Form /BBox [0 0 300 200] /OC 5 0 R /Resources << %s >> " % FONT
    )
    path = page_of(
        tmp_path / "a.pdf",
        b"/OC /L BDC " + SECRET + b" EMC" if how == "marked" else b"/X Do",
        resources=b"/Properties << /L 5 0 R >> /XObject << /X 6 0 R >>",
        catalog=b"/OCProperties << /OCGs [5 0 R] /D << /%s [5 0 R] >> >>" % state,
        objects=(b"<< /Type /OCG /Name (Answers) >>", form),
    )
    assert words_on(path) == ["Seen", "text", *(["secret", "words"] if state == b"ON" else [])]


def test_the_hidden_text_of_a_scan_may_be_a_little_off_its_lines(tmp_path):
    """The scan is white with a black line from 110 to 125 points; the text's box ends at 108."""
    scan = b"q 300 0 0 60 0 80 cm BI /W 1 /H 4 /CS /G /BPC 8 /F /AHx ID FF00FFFF> EI Q 3 Tr "
    near = b"BT /F1 14 Tf 20 98 Td (near words) Tj ET "
    far = b"BT /F1 14 Tf 20 82 Td (far words) Tj ET"
    assert words_on(page_of(tmp_path / "a.pdf", scan + near + far)) == ["Seen", "text", "near", "words"]
