"""The text layer of a PDF page, as pdfium reads it: words and their boxes.

Boxes are fractions of the page as a person sees it: /Rotate and the crop box are applied, and what lies outside the
crop box is not part of the page's text.
"""

from __future__ import annotations

import ctypes
import re
from dataclasses import dataclass

import numpy as np
import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c
from numpy.typing import NDArray

from maxsight.documents.cleaning import LINE_END_HYPHEN
from maxsight.documents.geometry import Boxes, clip_boxes, rotate_boxes
from maxsight.documents.glyphs import repair
from maxsight.documents.visible import visible_words
from maxsight.documents.word_order import find_shadows, order_columns
from maxsight.types import Words

# A full-page picture with at most this many words is a scan with a stamp or page number: its words need OCR.
MAX_STAMP_WORDS = 24
MIN_PICTURE_SHARE = 0.6

_TOKEN = re.compile(f"[^\\s{LINE_END_HYPHEN}]+{LINE_END_HYPHEN}?|{LINE_END_HYPHEN}")


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """The words of a page's text layer in pdfium's order, as the file gives them. ``text_layer`` judges them.

    Attributes:
        tokens: Not cleaned: they may have control characters and halves of surrogate pairs.
        starts_line: One per token.
        boxes: Fractions of the page. Shape ``(tokens, 4)``.
        unmapped: Whose font says nothing of the letters of its glyphs. Shape ``(tokens,)``.
    """

    tokens: list[str]
    starts_line: list[bool]
    boxes: Boxes
    unmapped: NDArray[np.bool_]


def read_layer(page: pdfium.PdfPage, drawn: pdfium.PdfPage) -> Layer:
    """Read what a person sees of a page's text layer, with one box per word.

    Args:
        page: The page.
        drawn: The page that is drawn: the same one, or one that draws its annotations.
    """
    layer = page.get_textpage()
    try:
        raw_text = repair(_characters(layer), layer)
        tokens = list(_TOKEN.finditer(raw_text))
        boxes = _visible_boxes(page, _token_boxes(layer, tokens))
        has_error, raw = pdfium_c.FPDFText_HasUnicodeMapError, layer.raw
        unmapped = np.array([has_error(raw, token.start()) == 1 for token in tokens], dtype=np.bool_)
    finally:
        layer.close()
    size_pt = np.tile(page.get_size(), 2)
    seen = _is_on_page(boxes)
    texts = [token.group() for token in tokens]
    seen[seen] = ~find_shadows([texts[token] for token in np.flatnonzero(seen)], boxes[seen] * size_pt)
    seen[seen] = visible_words(
        drawn,
        [texts[token] for token in np.flatnonzero(seen)],
        clip_boxes(boxes[seen]),
        lambda: _picture_boxes(page),
    )
    words: list[str] = []
    starts_line: list[bool] = []
    end, starts = 0, True
    for token, is_seen in zip(tokens, seen, strict=True):
        if is_seen:
            words.append(token.group().replace(LINE_END_HYPHEN, "-"))
            starts_line.append(starts or "\n" in raw_text[end : token.start()])
            end = token.end()
            starts = token.group().endswith(LINE_END_HYPHEN)
    boxes = clip_boxes(boxes[seen])
    order = order_columns(words, starts_line, boxes * size_pt)
    return Layer(
        [words[i] for i in order], [starts_line[i] for i in order], boxes[order], unmapped[seen][order]
    )


def is_stamp_on_picture(page: pdfium.PdfPage, words: Words) -> bool:
    """Say whether a picture covers most of the page, and the text layer has only a line or two."""
    if len(words) > MAX_STAMP_WORDS:
        return False
    boxes = _picture_boxes(page)
    covered = ((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])).sum()
    return bool(covered >= MIN_PICTURE_SHARE)


def _picture_boxes(page: pdfium.PdfPage) -> Boxes:
    """Find the places of a page's pictures. Shape ``(pictures, 4)``."""
    pictures = page.get_objects(filter=[pdfium_c.FPDF_PAGEOBJ_IMAGE], max_depth=3)
    bounds = np.array([picture.get_bounds() for picture in pictures], dtype=np.float64).reshape(-1, 4)
    return clip_boxes(_visible_boxes(page, bounds))


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
    """Find the box of every token, in points, origin bottom left. Shape ``(tokens, 4)``.

    A loose box has the height of its font, so the boxes of the first and the last character span the word. That takes
    two calls per word; tight boxes would take one per character.
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
    """Convert boxes from points to fractions of the visible page. Outside the crop box they are beyond [0, 1]."""
    left, bottom, right, top = page.get_bbox()
    x0, y0, x1, y1 = boxes_pt.T
    width, height = max(right - left, 1e-6), max(top - bottom, 1e-6)
    upright = np.stack(
        [(x0 - left) / width, (top - y1) / height, (x1 - left) / width, (top - y0) / height], axis=1
    )
    return rotate_boxes(upright, page.get_rotation())


def _is_on_page(boxes: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Find the boxes whose middle is on the page. Shape ``(boxes,)``."""
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    return np.asarray(((middle >= 0) & (middle <= 1)).all(axis=1))
