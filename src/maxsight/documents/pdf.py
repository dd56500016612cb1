"""PDF pages by pdfium: text, word boxes, pictures.

Boxes are fractions of the page as a person sees it: /Rotate and the crop box are applied, and what lies
outside the crop box is not part of the page's text. Pages without a usable text layer are drawn and read by
OCR.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import numpy as np
import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c
from numpy.typing import NDArray
from PIL import Image

from maxsight.documents.base import OcrChoice, ReadSettings
from maxsight.documents.geometry import clip_boxes, fitting_dpi, turn_boxes
from maxsight.documents.ocr import choosing as ocr
from maxsight.documents.words import LINE_END_HYPHEN, NOTHING_READ, Reading, is_garbage, join_words
from maxsight.errors import UnreadableDocumentError, UnsupportedFormatError
from maxsight.types import Page, TextSource, Words

MIN_DPI = 36
# A scanner's stamp or a page number over a full-page picture: the words are in the picture.
STAMP_WORDS = 25
PICTURE_SHARE = 0.6

_TOKEN = re.compile(f"[^\\s{LINE_END_HYPHEN}]+{LINE_END_HYPHEN}?|{LINE_END_HYPHEN}")
_MAP_ERROR_SAMPLE = 200
_MAX_MAP_ERROR_SHARE = 0.2


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
        self._has_form = self._pdf.get_formtype() != pdfium_c.FORMTYPE_NONE

    @property
    def page_count(self) -> int:
        """Pages in the file."""
        return len(self._pdf)

    def read_page(self, page_index: int) -> Page:
        """Read one page: its text layer where it is usable, else by OCR; and its picture where one is wanted.

        Raises:
            UnreadableDocumentError: The page is damaged, or too large to be drawn legibly.
        """
        with self._page(page_index) as page:
            draw = cache(lambda: self._render(page, page_index))  # once, whoever looks at it
            reading = _read_layer(page)
            if not len(reading.words) and self._is_cut_short and ocr.is_blank(draw()):
                # pdfium reads missing content as empty.
                raise self._unreadable(page_index, "nothing is left of this page: the file is cut short")
            is_poor = not len(reading.words) or _is_stamp_on_picture(page, reading.words)
            if is_poor and self._settings.ocr is not OcrChoice.NONE:
                read = ocr.read_image(draw(), self._settings)
                reading = read if len(read.words) > len(reading.words) else reading
            picture = self._settings.fitted(draw)
            width_pt, height_pt = page.get_size()
        return Page(page_index, reading.text, reading.words, reading.source, width_pt, height_pt, picture)

    def render_page(self, page_index: int) -> Image.Image:
        """Draw one page (RGB), at ``settings.dpi`` or the highest resolution within ``limits.max_pixels``.

        Raises:
            UnreadableDocumentError: The page is damaged, or too large to be drawn legibly.
        """
        with self._page(page_index) as page:
            return self._render(page, page_index)

    def close(self) -> None:
        """Release the file."""
        self._pdf.close()

    def _render(self, page: pdfium.PdfPage, page_index: int) -> Image.Image:
        width_pt, height_pt = page.get_size()
        max_pixels = self._settings.limits.max_pixels
        dpi = fitting_dpi(width_pt, height_pt, self._settings.dpi, max_pixels)
        if dpi < min(MIN_DPI, self._settings.dpi):
            raise self._unreadable(
                page_index,
                f"the page is {width_pt / 72:,.0f} x {height_pt / 72:,.0f} inches, more than "
                f"{max_pixels:,} pixels even at {MIN_DPI} dpi",
                hint="Raise the limit on pixels per page (--max-pixels) if you trust the file.",
            )
        bitmap = page.render(scale=dpi / 72, rev_byteorder=True)
        image: Image.Image = bitmap.to_pil()
        return image.convert("RGB")

    @contextmanager
    def _page(self, page_index: int) -> Iterator[pdfium.PdfPage]:
        """Load a page and translate what goes wrong with it."""
        if not 0 <= page_index < self.page_count:
            raise self._unreadable(page_index, f"there is no such page; the file has {self.page_count}")
        try:
            page = self._load(page_index)
        except pdfium.PdfiumError as error:
            reason = "the file is cut short" if self._is_cut_short else "it is damaged"
            raise self._unreadable(page_index, f"the page could not be loaded: {reason}") from error
        try:
            if min(page.get_size()) <= 0:
                raise self._unreadable(page_index, "the page has no size")
            yield page
        except pdfium.PdfiumError as error:
            raise self._unreadable(page_index, f"pdfium could not read it ({error})") from error
        finally:
            page.close()

    def _load(self, page_index: int) -> pdfium.PdfPage:
        page = self._pdf[page_index]
        if self._has_form and pdfium_c.FPDFPage_Flatten(page, pdfium_c.FLAT_NORMALDISPLAY) == 1:
            # What was filled in is part of the page now; it shows, and counts as text, once loaded again.
            page.close()
            page = self._pdf[page_index]
        return page

    def _unreadable(
        self, page_index: int, reason: str, *, hint: str | None = None
    ) -> UnreadableDocumentError:
        if hint is None and self._is_cut_short:
            hint = "Fetch the file again: it was probably not copied to its end."
        return UnreadableDocumentError(self._path, reason, page_number=page_index + 1, hint=hint)

    def _no_pages(self) -> UnreadableDocumentError:
        return UnreadableDocumentError(self._path, "the PDF has no pages", hint="Export the document again.")

    def _refusal(self, error: pdfium.PdfiumError) -> UnreadableDocumentError:
        """Say why the file could not be opened."""
        code = error.err_code
        if code == pdfium_c.FPDF_ERR_FILE:  # the one that was set above
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
        if self._is_cut_short:
            return UnreadableDocumentError(
                self._path,
                "the PDF is cut short and nothing of it can be read",
                hint="Fetch the file again: it was probably not copied to its end.",
            )
        return UnreadableDocumentError(
            self._path,
            f"the PDF is damaged ({error})",
            hint="Open and save it again with another PDF program.",
        )


def _openable(path: Path) -> Path | bytes:
    """What pdfium can open: the path, unless its name is not valid text."""
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
        raise UnreadableDocumentError(path, f"it can't be opened ({error.strerror})") from error
    if b"%PDF-" not in head:
        raise UnsupportedFormatError(
            path, "it is named .pdf but is not a PDF", hint="Give the file the extension of what it holds."
        )
    return b"%%EOF" not in tail


def _read_layer(page: pdfium.PdfPage) -> Reading:
    """Read the text layer in pdfium's order, with one box per word; nothing if it is garbage."""
    layer = page.get_textpage()
    try:
        raw_text = _characters(layer)
        if is_garbage(raw_text) or _is_unmapped(layer):
            return NOTHING_READ
        tokens = list(_TOKEN.finditer(raw_text))
        boxes = _visible_boxes(page, _token_boxes(layer, tokens))
    finally:
        layer.close()
    seen = _is_on_page(boxes)
    words: list[str] = []
    starts_line: list[bool] = []
    end, after_hyphen = 0, False
    for token, is_seen in zip(tokens, seen, strict=True):
        if is_seen:
            words.append(token.group().replace(LINE_END_HYPHEN, "-"))
            starts_line.append(after_hyphen or "\n" in raw_text[end : token.start()])
            end = token.end()
            after_hyphen = token.group().endswith(LINE_END_HYPHEN)
    return join_words(words, starts_line, clip_boxes(boxes[seen]), TextSource.LAYER)


def _characters(layer: pdfium.PdfTextPage) -> str:
    """Read the layer's text with exactly one character per pdfium character index."""
    count = layer.count_chars()
    buffer = (ctypes.c_ushort * (count + 1))()
    written = pdfium_c.FPDFText_GetText(layer.raw, 0, count, buffer)
    text = bytes(buffer)[: 2 * max(0, written - 1)].decode("utf-16-le", "replace")
    if len(text) == count:
        return text
    # Characters without a code, and surrogate pairs where wchar_t has 16 bits, shift the indices.
    codes = (pdfium_c.FPDFText_GetUnicode(layer.raw, index) for index in range(count))
    return "".join(chr(code) if 0 < code < 0x110000 else "\ufffd" for code in codes)


def _token_boxes(layer: pdfium.PdfTextPage, tokens: list[re.Match[str]]) -> NDArray[np.float64]:
    """Box every token, in points, origin bottom left. Shape ``(tokens, 4)``.

    A loose box has the height of its font, so the first and the last character of a word span all of it:
    two calls per word, where tight boxes would take one per character.
    """
    corners = np.zeros((len(tokens), 2, 4))
    rect = pdfium_c.FS_RECTF()
    pointer = ctypes.byref(rect)
    get_box, raw = pdfium_c.FPDFText_GetLooseCharBox, layer.raw
    for row, token in enumerate(tokens):
        for column, index in enumerate((token.start(), token.end() - 1)):
            get_box(raw, index, pointer)
            corners[row, column] = rect.left, rect.bottom, rect.right, rect.top
    low, high = corners.min(axis=1), corners.max(axis=1)
    return np.concatenate([low[:, :2], high[:, 2:]], axis=1)


def _visible_boxes(page: pdfium.PdfPage, boxes_pt: NDArray[np.float64]) -> NDArray[np.float32]:
    """Turn boxes in points into fractions of the page as it is seen; beyond [0, 1] where it is cropped."""
    left, bottom, right, top = page.get_bbox()
    x0, y0, x1, y1 = boxes_pt.T
    width, height = max(right - left, 1e-6), max(top - bottom, 1e-6)
    upright = np.stack(
        [(x0 - left) / width, (top - y1) / height, (x1 - left) / width, (top - y0) / height], axis=1
    )
    return turn_boxes(upright, page.get_rotation())


def _is_on_page(boxes: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Tell the boxes whose middle is on the page. Shape ``(boxes,)``."""
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    return np.asarray(((middle >= 0) & (middle <= 1)).all(axis=1))


def _is_unmapped(layer: pdfium.PdfTextPage) -> bool:
    """Tell whether the font does not say which letters its glyphs are, by a sample of them."""
    count = layer.count_chars()
    sample = range(0, count, max(1, count // _MAP_ERROR_SAMPLE))
    unmapped = sum(pdfium_c.FPDFText_HasUnicodeMapError(layer.raw, index) == 1 for index in sample)
    return bool(unmapped > _MAX_MAP_ERROR_SHARE * len(sample))


def _is_stamp_on_picture(page: pdfium.PdfPage, words: Words) -> bool:
    """Tell whether a picture covers most of the page and the text layer is a mere line or two."""
    if len(words) >= STAMP_WORDS:
        return False
    pictures = page.get_objects(filter=[pdfium_c.FPDF_PAGEOBJ_IMAGE], max_depth=3)
    bounds = np.array([picture.get_bounds() for picture in pictures], dtype=np.float64).reshape(-1, 4)
    boxes = clip_boxes(_visible_boxes(page, bounds))
    covered = ((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])).sum()
    return bool(covered >= PICTURE_SHARE)
