"""Parts of a PDF that are none of its pages: attachments, the files of a portfolio, and forms of the kind XFA."""

from __future__ import annotations

from collections.abc import Iterator

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c


def unread_parts(pdf: pdfium.PdfDocument) -> Iterator[str]:
    """Say what a document holds beside its pages, a sentence each."""
    if pdfium_c.FPDFDoc_GetAttachmentCount(pdf):
        yield "attached files, or the files of a portfolio, were not read; save and index them on their own"
    if pdf.get_formtype() == pdfium_c.FORMTYPE_XFA_FULL:
        yield (
            "a form of the kind XFA was not read: its pages only ask for another program; "
            "print it to a PDF in Adobe Reader and index that"
        )
