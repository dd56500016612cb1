"""PDF pages by pdfium: their text and their pictures. Pages without a usable text layer are drawn and read by OCR."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import numpy as np
import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c
from PIL import Image

from maxsight.documents.annotations import ShownPage, shown_page
from maxsight.documents.base import ReadSettings, check_page_index
from maxsight.documents.files import not_opened
from maxsight.documents.geometry import fitting_dpi
from maxsight.documents.ink import LOOK_DPI
from maxsight.documents.ocr import choosing as ocr
from maxsight.documents.page_text import Region, read_page_text
from maxsight.documents.pdf_names import mentions, user_unit
from maxsight.documents.pdf_text import own_dpi, read_layer
from maxsight.documents.unread import DAMAGED_PICTURE, has_damaged_picture, unread_parts
from maxsight.errors import UnreadableDocumentError, UnsupportedFormatError
from maxsight.types import Page

MIN_DPI = 36
MAX_LOOK_PIXELS = 4_000_000
_BROTLI = "is compressed with Brotli, which maxsight does not read"
_BROTLI_HINT = "Save it again with another program, or without Brotli."
_CUT_SHORT_HINT = "Fetch the file again: it was probably not copied to its end."


class PdfSource:
    """One opened PDF.

    Raises:
        UnreadableDocumentError: It is encrypted, damaged beyond repair, or has no pages.
        UnsupportedFormatError: It is not a PDF.
    """

    def __init__(self, path: Path, settings: ReadSettings) -> None:
        self._path = path
        self._settings = settings
        self._is_cut_short = _check_ends(path)
        # pdfium refuses a PDF without pages and doesn't say why: the last error would be another file's.
        pdfium_c.FPDF_LoadDocument(b"", None)
        try:
            self._pdf = pdfium.PdfDocument(_openable(path), password=settings.password)
        except pdfium.PdfiumError as error:
            raise self._refusal(error) from error
        if self.page_count == 0:
            self.close()
            raise self._no_pages()
        self._pdf.init_forms()  # Before a page is loaded: pdfium draws values that have no appearance of their own.
        self._unread = tuple(unread_parts(self._pdf))
        self._has_units = mentions(path, b"/UserUnit")

    @property
    def page_count(self) -> int:
        """Pages in the file."""
        return len(self._pdf)

    def read_page(self, page_index: int) -> Page:
        """Read one page: its text layer where it is believed, and by OCR what it lacks."""
        with self._page(page_index) as shown:
            page = shown.read
            draw = cache(lambda: self._render(shown.drawn, page_index, self._settings.dpi))
            look = shown.drawn.render(scale=self._look_scale(page), grayscale=True).to_numpy()
            layer = read_layer(page, look)
            unread = [*self._unread, *shown.unread]
            if not layer.tokens and look.min() == look.max() and ocr.is_blank(draw()):
                self._check_blank(page_index)
                if has_damaged_picture(page):
                    unread.append(DAMAGED_PICTURE)

            def draw_part(part: Region) -> Image.Image:
                dpi = own_dpi(page, self._settings.dpi)
                image = draw() if dpi == self._settings.dpi else self._render(shown.drawn, page_index, dpi)
                return image.crop(tuple(np.round(np.multiply(part, image.size * 2)).astype(int).tolist()))

            reading = read_page_text(layer, look, draw_part, self._settings)
            picture = self._settings.fitted(draw)
            width_pt, height_pt = self._size_pt(page, page_index)
            unread += ocr.name_unread(reading.words, self._settings, draw)
        return Page(
            page_index,
            reading.text,
            reading.words,
            reading.source,
            width_pt,
            height_pt,
            picture,
            unread=tuple(unread),
            text_runs=reading.runs,
        )

    def render_page(self, page_index: int) -> Image.Image:
        """Draw one page at ``settings.dpi``, or at the highest resolution within ``limits.max_pixels``."""
        with self._page(page_index) as shown:
            return self._render(shown.drawn, page_index, self._settings.dpi)

    def close(self) -> None:
        """Release the file."""
        self._pdf.close()

    def _render(self, page: pdfium.PdfPage, page_index: int, dpi: float) -> Image.Image:
        width_pt, height_pt = self._size_pt(page, page_index)
        max_pixels = self._settings.limits.max_pixels
        dpi = fitting_dpi(width_pt, height_pt, dpi, max_pixels)
        if dpi < min(MIN_DPI, self._settings.dpi):
            raise self._unreadable(
                page_index,
                f"the page is {width_pt / 72:,.0f} x {height_pt / 72:,.0f} inches, more than "
                f"{max_pixels:,} pixels even at {MIN_DPI} dpi",
                hint="Raise the limit on pixels per page (--max-pixels) if you trust the file.",
            )
        scale = dpi / 72 * width_pt / page.get_width()
        bitmap = page.render(scale=scale, rev_byteorder=True)
        image: Image.Image = bitmap.to_pil()
        return image.convert("RGB")

    def _size_pt(self, page: pdfium.PdfPage, page_index: int) -> tuple[float, float]:
        unit = user_unit(self._pdf, page_index) if self._has_units else 1.0
        width, height = page.get_size()
        return unit * width, unit * height

    def _look_scale(self, page: pdfium.PdfPage) -> float:
        """Choose the scale of the small picture, within the limit on pixels."""
        width_pt, height_pt = page.get_size()
        max_pixels = min(MAX_LOOK_PIXELS, self._settings.limits.max_pixels)
        return fitting_dpi(width_pt, height_pt, LOOK_DPI, max_pixels) / 72

    @contextmanager
    def _page(self, page_index: int) -> Iterator[ShownPage]:
        """Load a page with its annotations, and translate the errors that it raises."""
        check_page_index(self._path, page_index, self.page_count)
        try:
            page = self._pdf[page_index]
        except pdfium.PdfiumError as error:
            reason = "the file is cut short" if self._is_cut_short else "it is damaged"
            raise self._unreadable(page_index, f"the page could not be loaded: {reason}") from error
        try:
            if min(page.get_size()) <= 0:
                raise self._unreadable(page_index, "the page has no size")
            with shown_page(self._pdf, page_index, page) as shown:
                yield shown
        except pdfium.PdfiumError as error:
            raise self._unreadable(page_index, f"pdfium could not read it ({error})") from error
        finally:
            page.close()

    def _check_blank(self, page_index: int) -> None:
        """Refuse a blank page that has content: pdfium reads what is missing or packed in an unknown way as empty."""
        if self._is_cut_short:
            raise self._unreadable(page_index, "nothing is left of this page: the file is cut short")
        if self._uses_brotli():
            raise self._unreadable(page_index, f"the page {_BROTLI}", hint=_BROTLI_HINT)

    def _unreadable(
        self, page_index: int, reason: str, *, hint: str | None = None
    ) -> UnreadableDocumentError:
        if hint is None and self._is_cut_short:
            hint = _CUT_SHORT_HINT
        return UnreadableDocumentError(self._path, reason, page_number=page_index + 1, hint=hint)

    def _no_pages(self) -> UnreadableDocumentError:
        if self._uses_brotli():
            return UnreadableDocumentError(self._path, f"the PDF {_BROTLI}", hint=_BROTLI_HINT)
        if mentions(self._path, b"/Encrypt"):
            return UnreadableDocumentError(
                self._path,
                "it is encrypted, and its pages can't be found: it is damaged, or protected in an unsupported way",
                hint="Open it with the program that made it, and save it without protection.",
            )
        return UnreadableDocumentError(self._path, "the PDF has no pages", hint="Export the document again.")

    def _uses_brotli(self) -> bool:
        return mentions(self._path, b"/BrotliDecode")

    def _refusal(self, error: pdfium.PdfiumError) -> UnreadableDocumentError:
        """Say why the file could not be opened."""
        code = error.err_code
        if code == pdfium_c.FPDF_ERR_FILE:  # the one that __init__ set
            return self._no_pages()
        if code == pdfium_c.FPDF_ERR_PASSWORD:
            given = self._settings.password is not None
            reason = "it is encrypted and the password is wrong" if given else "it is encrypted"
            return UnreadableDocumentError(self._path, reason, hint="Give the password with --password.")
        if code == pdfium_c.FPDF_ERR_SECURITY:
            return UnreadableDocumentError(
                self._path,
                "it is encrypted in a way that is not supported",
                hint="Remove the protection with the program that made it.",
            )
        if self._uses_brotli():
            return self._no_pages()
        if self._is_cut_short:
            reason = "the PDF is cut short and nothing of it can be read"
            return UnreadableDocumentError(self._path, reason, hint=_CUT_SHORT_HINT)
        return UnreadableDocumentError(
            self._path,
            f"the PDF is damaged ({error})",
            hint="Open and save it again with another PDF program.",
        )


def _openable(path: Path) -> Path | bytes:
    """Give pdfium the path, or the bytes where the path is not valid text."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return path.read_bytes()
    return path


def _check_ends(path: Path) -> bool:
    """Look at a file's first and last bytes.

    Returns:
        Whether the end of the PDF is missing.

    Raises:
        UnsupportedFormatError: It does not start like a PDF.
    """
    try:
        with path.open("rb") as file:
            head = file.read(1024)
            size = file.seek(0, 2)
            file.seek(max(0, size - 2048))
            tail = file.read()
    except OSError as error:
        raise not_opened(path, error) from error
    if b"%PDF-" not in head:
        raise UnsupportedFormatError(
            path, "it is named .pdf but is not a PDF", hint="Give the file the extension of what it holds."
        )
    return b"%%EOF" not in tail
