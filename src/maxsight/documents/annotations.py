"""Annotations of a PDF page: what they show becomes part of its text, and what they only note is named.

pdfium draws form values, stamps and text boxes, but its text layer has only the page's own content. Flattening puts
them into the content. It is done on a copy, because it can damage a page: one that inherits its fonts loses them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from maxsight.documents.text_boxes import TextBox, has_appearance, string_of

UNREAD_COMMENTS = "sticky notes and comments were not read"

# The page does not show the texts of these.
_WITHOUT_TEXT = frozenset(
    [
        pdfium_c.FPDF_ANNOT_LINK,
        pdfium_c.FPDF_ANNOT_POPUP,
        pdfium_c.FPDF_ANNOT_TEXT,
        pdfium_c.FPDF_ANNOT_HIGHLIGHT,
        pdfium_c.FPDF_ANNOT_UNDERLINE,
        pdfium_c.FPDF_ANNOT_SQUIGGLY,
        pdfium_c.FPDF_ANNOT_STRIKEOUT,
        pdfium_c.FPDF_ANNOT_INK,
        pdfium_c.FPDF_ANNOT_FILEATTACHMENT,
    ]
)
_NEVER_A_COMMENT = frozenset(
    [pdfium_c.FPDF_ANNOT_LINK, pdfium_c.FPDF_ANNOT_POPUP, pdfium_c.FPDF_ANNOT_WIDGET]
)
_HIDDEN = pdfium_c.FPDF_ANNOT_FLAG_HIDDEN | pdfium_c.FPDF_ANNOT_FLAG_NOVIEW
MAX_LOST_SHARE = 0.02


@dataclass(frozen=True, slots=True)
class ShownPage:
    """A page with its annotations.

    Attributes:
        read: The page whose text layer has the text of the annotations too.
        drawn: The page whose picture shows them.
        unread: What was not read, a sentence each.
    """

    read: pdfium.PdfPage
    drawn: pdfium.PdfPage
    unread: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Annotation:
    kind: int
    is_hidden: bool
    is_comment: bool
    text_box: TextBox | None

    @property
    def shows_text(self) -> bool:
        return not self.is_hidden and self.kind not in _WITHOUT_TEXT


@contextmanager
def shown_page(pdf: pdfium.PdfDocument, page_index: int, page: pdfium.PdfPage) -> Iterator[ShownPage]:
    """Bring the annotations of a page (0-based) into its text, if that does not damage its own.

    pdfium draws no form fields of a file that lost its form, and no text boxes without an appearance. Then the copy is
    drawn too.
    """
    annotations = [_look_at(page, number) for number in range(pdfium_c.FPDFPage_GetAnnotCount(page))]
    is_commented = any(annotation.is_comment and not annotation.is_hidden for annotation in annotations)
    unread = (UNREAD_COMMENTS,) if is_commented else ()
    if not any(annotation.shows_text for annotation in annotations):
        yield ShownPage(page, page, unread)
        return
    with closing(pdfium.PdfDocument.new()) as copy:
        try:
            copy.import_pages(pdf, [page_index])
        except pdfium.PdfiumError:  # a damaged page, which may still be read as it is
            yield ShownPage(page, page, unread)
            return
        hidden = [number for number, annotation in enumerate(annotations) if annotation.is_hidden]
        with closing(_flattened(copy, hidden)) as flat:
            lost_form = pdf.get_formtype() == pdfium_c.FORMTYPE_NONE and any(
                annotation.kind == pdfium_c.FPDF_ANNOT_WIDGET for annotation in annotations
            )
            boxes = [annotation.text_box for annotation in annotations if not annotation.is_hidden]
            for text_box in (written := [text_box for text_box in boxes if text_box]):
                text_box.write(flat)
            if _keeps_text(page, flat):
                yield ShownPage(flat, flat if lost_form or written else page, unread)
            else:
                yield ShownPage(page, page, unread)


def _look_at(page: pdfium.PdfPage, number: int) -> _Annotation:
    annotation = pdfium_c.FPDFPage_GetAnnot(page, number)
    try:
        kind = pdfium_c.FPDFAnnot_GetSubtype(annotation)
        is_hidden = bool(pdfium_c.FPDFAnnot_GetFlags(annotation) & _HIDDEN)
        text_box = TextBox.of(annotation)
        shows_words = text_box is not None or (has_appearance(annotation) and kind not in _WITHOUT_TEXT)
        has_comment = (
            not shows_words and kind not in _NEVER_A_COMMENT and bool(string_of(annotation, b"Contents"))
        )
        return _Annotation(kind, is_hidden, has_comment, text_box)
    finally:
        pdfium_c.FPDFPage_CloseAnnot(annotation)


def _flattened(copy: pdfium.PdfDocument, hidden: list[int]) -> pdfium.PdfPage:
    """Make the annotations of a document's only page, but the hidden ones, part of its content."""
    page = copy[0]
    for number in reversed(hidden):
        pdfium_c.FPDFPage_RemoveAnnot(page, number)
    if pdfium_c.FPDFPage_Flatten(page, pdfium_c.FLAT_NORMALDISPLAY) != pdfium_c.FLATTEN_SUCCESS:
        return page
    page.close()
    return copy[0]  # Only a page that is loaded again has the new content.


def _keeps_text(page: pdfium.PdfPage, flat: pdfium.PdfPage) -> bool:
    """Say whether nearly all characters of the page are on the flattened copy."""
    before, after = _characters_of(page), _characters_of(flat)
    return (before - after).total() <= MAX_LOST_SHARE * before.total()


def _characters_of(page: pdfium.PdfPage) -> Counter[str]:
    with closing(page.get_textpage()) as layer:
        return Counter("".join(layer.get_text_range().split()))
