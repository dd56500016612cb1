"""Small PDFs, written byte by byte where a library would not make them so."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pypdfium2 as pdfium
from fpdf import FPDF
from PIL import Image


def write_pdf(path: Path, pages: list[list[tuple[float, float, str]]], **save: object) -> Path:
    """Write a Letter-sized PDF with the given texts at ``x, y`` points from the top left."""
    pdf = FPDF(unit="pt", format="letter")
    pdf.set_margin(0)
    for page in pages:
        pdf.add_page()
        pdf.set_font("Helvetica", size=14)
        for x, y, text in page:
            pdf.text(x, y, text)
    for name, value in save.items():
        getattr(pdf, name)(value)
    pdf.output(str(path))
    return path


def write_scan(path: Path, image: Image.Image, *, stamp: str = "") -> Path:
    """Write a PDF of one Letter-sized page that is a picture, with a line of text over it."""
    pdf = FPDF(unit="pt", format="letter")
    pdf.add_page()
    pdf.image(image, 0, 0, 612, 792)
    if stamp:
        pdf.set_font("Helvetica", size=8)
        pdf.text(20, 785, stamp)
    pdf.output(str(path))
    return path


def change_page(
    path: Path, *, rotation: int = 0, crop: tuple[float, float, float, float] | None = None
) -> Path:
    """Set /Rotate and the crop box (left, bottom, right, top) of the first page."""
    content = path.read_bytes()
    pdf = pdfium.PdfDocument(content)
    page = pdf[0]
    page.set_rotation(rotation)
    if crop:
        page.set_cropbox(*crop)
    pdf.save(str(path))
    page.close()
    pdf.close()
    return path


def raw_pdf(*objects: bytes, version: bytes = b"1.7") -> bytes:
    """Lay out objects 1, 2, ... (object 1 is the catalog) with a cross-reference table."""
    out = b"%PDF-" + version + b"\n"
    offsets = []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    return out + b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, table)


def stream(content: bytes, entries: bytes = b"") -> bytes:
    return b"<< /Length %d %s>>\nstream\n%s\nendstream" % (len(content), entries, content)


def mapped_font_pdf(shown: bytes, to_unicode: dict[int, str] | None) -> bytes:
    """A page showing the codes ``shown`` in Helvetica, which stand for the characters of ``to_unicode``."""
    pages = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 200] /Contents 4 0 R"
        b" /Resources << /Font << /F1 5 0 R >> >> >>",
        stream(b"BT /F1 24 Tf 20 100 Td <" + shown.hex().encode() + b"> Tj ET"),
        b"<< /Type /Font /Subtype /TrueType /BaseFont /Helvetica /ToUnicode 6 0 R >>",
    ]
    if to_unicode is not None:
        pairs = b"\n".join(
            b"<%02x> <%s>" % (code, text.encode("utf-16-be").hex().encode())
            for code, text in to_unicode.items()
        )
        cmap = (
            b"/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /X def /CMapType 2 def\n"
            b"1 begincodespacerange <00> <ff> endcodespacerange\n%d beginbfchar\n%s\nendbfchar\n"
            b"endcmap end end"
        ) % (len(to_unicode), pairs)
        pages.append(stream(cmap))
    return raw_pdf(*pages)


def ink_under(image: Image.Image, box: np.ndarray) -> float:
    """The share of dark pixels under a box given in fractions of the picture."""
    pixels = np.asarray(image.convert("L"))
    height, width = pixels.shape
    x0, y0, x1, y1 = box * [width, height, width, height]
    inside = pixels[int(y0) : int(np.ceil(y1)), int(x0) : int(np.ceil(x1))]
    return float((inside < 128).mean()) if inside.size else 0.0


def words_of(page) -> list[str]:
    return [page.text[start:end] for start, end in page.words.spans]
