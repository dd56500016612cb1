"""Text boxes on a PDF page (annotations of the kind FreeText) that have no appearance: pdfium does not draw them."""

from __future__ import annotations

import ctypes
import re
from dataclasses import dataclass
from textwrap import wrap
from typing import Any

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

DEFAULT_SIZE_PT = 12.0
LINE_HEIGHT = 1.2
"""Distance of two lines, in sizes of the font."""
MEAN_WIDTH = 0.5
"""Width of a character of Helvetica, in sizes of the font."""


@dataclass(frozen=True, slots=True)
class TextBox:
    """A text and its place, in points with the origin at the bottom left.

    Attributes:
        text: What it says.
        size_pt: Size of its font.
        left: Left edge.
        right: Right edge.
        top: Top edge.
    """

    text: str
    size_pt: float
    left: float
    right: float
    top: float

    @classmethod
    def of(cls, annotation: Any) -> TextBox | None:
        """Read an annotation of pdfium; None if it is no text box, has no text, or has an appearance."""
        if pdfium_c.FPDFAnnot_GetSubtype(annotation) != pdfium_c.FPDF_ANNOT_FREETEXT or has_appearance(
            annotation
        ):
            return None
        text = string_of(annotation, b"Contents").strip()
        size = re.search(r"(\d+\.?\d*|\.\d+)\s+Tf", string_of(annotation, b"DA"))
        rect = pdfium_c.FS_RECTF()
        pdfium_c.FPDFAnnot_GetRect(annotation, ctypes.byref(rect))
        size_pt = float(size[1]) if size else 0.0
        return cls(text, size_pt or DEFAULT_SIZE_PT, rect.left, rect.right, rect.top) if text else None

    def write(self, page: pdfium.PdfPage) -> None:
        """Write the text onto a page in Helvetica, wrapped at the box's width."""
        width = max(1, int((self.right - self.left) / (MEAN_WIDTH * self.size_pt)))
        lines = [line for paragraph in self.text.splitlines() for line in wrap(paragraph, width) or [""]]
        for number, line in enumerate(lines):
            written = pdfium_c.FPDFPageObj_NewTextObj(page.pdf, b"Helvetica", self.size_pt)
            encoded = (line + "\0").encode("utf-16-le")
            pdfium_c.FPDFText_SetText(
                written, (ctypes.c_ushort * (len(encoded) // 2)).from_buffer_copy(encoded)
            )
            baseline = self.top - self.size_pt * (1 + LINE_HEIGHT * number)
            pdfium_c.FPDFPageObj_Transform(written, 1, 0, 0, 1, self.left, baseline)
            pdfium_c.FPDFPage_InsertObject(page, written)
        pdfium_c.FPDFPage_GenerateContent(page)


def string_of(annotation: Any, key: bytes) -> str:
    """Read a text in an annotation's dictionary; empty if it has none."""
    length = pdfium_c.FPDFAnnot_GetStringValue(annotation, key, None, 0)
    buffer = (ctypes.c_ushort * max(1, length // 2))()
    pdfium_c.FPDFAnnot_GetStringValue(annotation, key, buffer, length)
    return bytes(buffer).decode("utf-16-le", "replace").rstrip("\0")


def has_appearance(annotation: Any) -> bool:
    """Say whether an annotation says how it is drawn. An empty text of pdfium has its two final bytes alone."""
    return bool(pdfium_c.FPDFAnnot_GetAP(annotation, pdfium_c.FPDF_ANNOT_APPEARANCEMODE_NORMAL, None, 0) > 2)
