"""What of a PDF can't be read: attachments, the files of a portfolio, forms of the kind XFA, damaged pictures."""

from __future__ import annotations

from collections.abc import Iterator

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

DAMAGED_PICTURE = "a page shows nothing, because its picture is damaged"


def unread_parts(pdf: pdfium.PdfDocument) -> Iterator[str]:
    """Say what a document holds beside its pages, a sentence each."""
    if pdfium_c.FPDFDoc_GetAttachmentCount(pdf):
        yield "attached files, or the files of a portfolio, were not read; save and index them on their own"
    if pdf.get_formtype() == pdfium_c.FORMTYPE_XFA_FULL:
        yield (
            "a form of the kind XFA was not read: its pages only ask for another program; "
            "print it to a PDF in Adobe Reader and index that"
        )


def has_damaged_picture(page: pdfium.PdfPage) -> bool:
    """Say whether a picture of a page can't be decoded. pdfium draws nothing in its place."""
    for picture in page.get_objects(filter=[pdfium_c.FPDF_PAGEOBJ_IMAGE], max_depth=3):
        try:
            picture.get_bitmap().close()
        except pdfium.PdfiumError:
            return True
    return False
