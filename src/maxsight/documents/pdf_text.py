"""The text layer of a PDF page, as pdfium reads it: words and their boxes.

Boxes are fractions of the page as a person sees it: /Rotate and the crop box are applied, and what lies outside the
crop box is not part of the page's text.
"""

from __future__ import annotations

import ctypes
import re
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c
from numpy.typing import NDArray

from maxsight.documents.cleaning import LINE_END_HYPHEN
from maxsight.documents.geometry import Boxes, clip_boxes, rotate_boxes
from maxsight.documents.glyphs import repair
from maxsight.documents.visible import visible_words
from maxsight.documents.word_order import find_shadows, order_columns, set_ruby_apart
from maxsight.segmentation import UNSPACED, cut_run

# Print of 4 points needs 300 dpi; OCR gains nothing from more than 400.
MAX_OWN_DPI = 400.0
MIN_SCAN_SIDE = 0.3
MAX_FORM_DEPTH = 8

_TOKEN = re.compile(f"[^\\s{LINE_END_HYPHEN}]+{LINE_END_HYPHEN}?|{LINE_END_HYPHEN}")


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """The words of a page's text layer in pdfium's order, as the file gives them. ``text_layer`` judges them.

    Attributes:
        tokens: Not cleaned: they may have control characters and halves of surrogate pairs.
        starts_line: One per token.
        boxes: Fractions of the page. Shape ``(tokens, 4)``.
    """

    tokens: list[str]
    starts_line: list[bool]
    boxes: Boxes


def read_layer(page: pdfium.PdfPage, look: NDArray[np.uint8]) -> Layer:
    """Read what a person sees of a page's text layer, with one box per word.

    Args:
        page: The page.
        look: A small grey picture of it, with its annotations. Shape ``(height, width)``.
    """
    layer = page.get_textpage()
    try:
        raw_text = repair(_characters(layer), layer)
        tokens = [span for token in _TOKEN.finditer(raw_text) for span in _touching(token)]
        boxes = _visible_boxes(page, _token_boxes(layer, tokens))
    finally:
        layer.close()
    size_pt = np.array(page.get_size() * 2)
    texts = [raw_text[slice(*token)] for token in tokens]
    seen = np.flatnonzero(_is_on_page(boxes))
    seen = seen[~find_shadows([texts[token] for token in seen.tolist()], boxes[seen] * size_pt)]
    of_seen = [texts[token] for token in seen.tolist()]
    seen = seen[visible_words(look, of_seen, clip_boxes(boxes[seen]), lambda: _picture_boxes(page))]
    words: list[str] = []
    starts_line: list[bool] = []
    end, starts = 0, True
    for token in seen.tolist():
        first, last = tokens[token]
        words.append(texts[token].replace(LINE_END_HYPHEN, "-"))
        starts_line.append(starts or "\n" in raw_text[end:first])
        end, starts = last, texts[token].endswith(LINE_END_HYPHEN)
    boxes = clip_boxes(boxes[seen])
    apart, starts_line = set_ruby_apart(words, starts_line, boxes * size_pt)
    words, boxes = [words[i] for i in apart], boxes[apart]
    order = order_columns(words, starts_line, boxes * size_pt).tolist()
    return Layer([words[i] for i in order], [starts_line[i] for i in order], boxes[order])


def _touching(token: re.Match[str]) -> list[tuple[int, int]]:
    """Cut a run between words of a script without spaces, where `join_words` joins them again without a blank."""
    run, start = token.group(), token.start()
    cuts = [end for _, end in cut_run(run)[:-1] if UNSPACED.match(run[end - 1]) and UNSPACED.match(run[end])]
    return [(start + first, start + end) for first, end in pairwise([0, *cuts, len(run)])]


def _picture_boxes(page: pdfium.PdfPage) -> Boxes:
    """Find the places of a page's pictures. Shape ``(pictures, 4)``."""
    pictures = page.get_objects(filter=[pdfium_c.FPDF_PAGEOBJ_IMAGE], max_depth=3)
    bounds = np.array([picture.get_bounds() for picture in pictures], dtype=np.float64).reshape(-1, 4)
    return clip_boxes(_visible_boxes(page, bounds))


def own_dpi(page: pdfium.PdfPage, dpi: float) -> float:
    """Find the resolution at which OCR sees all that a scan has, at least ``dpi`` and at most `MAX_OWN_DPI`."""
    width_pt, height_pt = page.get_size()
    best = float(dpi)
    for picture in page.get_objects(filter=[pdfium_c.FPDF_PAGEOBJ_IMAGE], max_depth=MAX_FORM_DEPTH):
        left, bottom, right, top = picture.get_bounds()
        width_px, height_px = picture.get_px_size()
        if right - left > MIN_SCAN_SIDE * width_pt or top - bottom > MIN_SCAN_SIDE * height_pt:
            # A picture may be turned, so that its width is the height of its place.
            best = max(
                best, 72 * float(np.sqrt(width_px * height_px / max(1.0, (right - left) * (top - bottom))))
            )
    return min(best, max(MAX_OWN_DPI, dpi))


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


def _token_boxes(layer: pdfium.PdfTextPage, tokens: list[tuple[int, int]]) -> NDArray[np.float64]:
    """Find the box of every token, in points, origin bottom left. Shape ``(tokens, 4)``.

    A loose box has the height of its font, so the boxes of the first and the last character span the word. That takes
    two calls per word; tight boxes would take one per character.
    """
    edges: list[float] = []
    rect = pdfium_c.FS_RECTF()
    pointer = ctypes.byref(rect)
    get_box, raw = pdfium_c.FPDFText_GetLooseCharBox, layer.raw
    for first, end in tokens:
        for index in (first, end - 1):
            get_box(raw, index, pointer)
            edges += (rect.left, rect.bottom, rect.right, rect.top)
    corners = np.array(edges, np.float64).reshape(-1, 2, 4)
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
