"""Decides what a PDF page says: the words of its text layer where they are believed, and what OCR reads elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from difflib import SequenceMatcher

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from maxsight.documents.base import OcrChoice, ReadSettings
from maxsight.documents.cleaning import Reading, clean, join_words
from maxsight.documents.geometry import Boxes, clip_boxes
from maxsight.documents.ink import lines_outside
from maxsight.documents.merging import Piece, join_pieces, merge_pieces
from maxsight.documents.ocr import choosing as ocr
from maxsight.documents.ocr.languages import UNKNOWN_SCRIPT, script_of
from maxsight.documents.pdf_text import Layer
from maxsight.documents.text_layer import find_odd
from maxsight.types import SourceReason, TextSource

# Drawn lines are read if the sum of their lengths, in heights of a line, is at least this: some 30 letters. Logos have
# less.
MIN_DRAWN_ASPECTS = 16.0
# A layer of at most so many words, on a page with drawn text, may be a misread copy of it: OCR checks these words.
MAX_STAMP_WORDS = 24
# Below this confidence, what OCR reads beside a good layer are strokes of figures.
MIN_CONFIDENCE = 0.5
# OCR must be as sure as it is of a script that it knows to be believed against a layer.
MIN_CONFIDENCE_AGAINST_LAYER = 0.6
MIN_AGREEMENT = 0.5
MAX_COMPARED = 500  # letters of a line; the time grows with their square
MAX_PART = 0.6  # A larger part of a page is read with all of it.
MIN_SIDE_PX = 1000
_MARGIN = 0.02
_PAGE = (0.0, 0.0, 1.0, 1.0)

Region = tuple[float, float, float, float]
Draw = Callable[[Region], Image.Image]
"""Draws a part of the page, given in fractions of it, for OCR."""


def read_page_text(layer: Layer, look: NDArray[np.uint8], draw: Draw, settings: ReadSettings) -> Reading:
    """Read a page's text.

    Args:
        layer: The words of its text layer.
        look: A small grey picture of the page, at `ink.LOOK_DPI`. Shape ``(height, width)``.
        draw: Draws parts of the page for OCR.
        settings: When and how OCR reads.

    Raises:
        InputError: OCR failed.
    """
    odd, meaningless = find_odd(layer)
    if settings.ocr is OcrChoice.NEVER:
        return join_pieces(_pieces_of(layer, ~meaningless))
    if settings.ocr is OcrChoice.ALWAYS:
        found = _read(draw, _PAGE, settings, erased=layer.boxes[:0])
        return join_pieces(
            [line.because(SourceReason.ASKED) for line in found] or _pieces_of(layer, ~meaningless)
        )
    trusted = ~(odd | meaningless)
    drawn = lines_outside(look, layer.boxes[trusted])
    if _aspects(drawn, look) < MIN_DRAWN_ASPECTS:
        drawn = drawn[:0]
    if len(drawn) and trusted.sum() <= MAX_STAMP_WORDS:
        trusted[:] = False
    if layer.tokens and trusted.all() and not len(drawn):
        return join_words(layer.tokens, layer.starts_line, layer.boxes, TextSource.LAYER)
    region = _around(np.concatenate([drawn, layer.boxes[~trusted]])) if trusted.any() else _PAGE
    script = script_of(_text_of(layer, trusted)) or (UNKNOWN_SCRIPT if odd.any() else None)
    found = _read(draw, region, settings, erased=layer.boxes[trusted], script=script)
    if layer.tokens:
        found = [line for piece in found if (line := piece.surer_than(MIN_CONFIDENCE))]
    return _compose(layer, trusted, odd | meaningless, meaningless, found)


def _compose(
    layer: Layer,
    trusted: NDArray[np.bool_],
    odd: NDArray[np.bool_],
    meaningless: NDArray[np.bool_],
    found: list[Piece],
) -> Reading:
    """Take each doubtful line of the layer, or what OCR found in its place."""
    kept, refuted = trusted.copy(), np.zeros(len(trusted), np.bool_)
    lines = np.cumsum(layer.starts_line, dtype=np.int64)
    unsure: list[NDArray[np.bool_]] = []
    words = Piece.of_all(found)
    for number in np.unique(lines[~trusted]):
        doubted = ~trusted & (lines == number)
        read = words.within(layer.boxes[doubted]) if words else None
        text, other = _letters(_text_of(layer, doubted)), _letters(read.text if read else "")
        if _agree(text, other):
            kept |= doubted
        elif (
            read is None
            or len(other) < MIN_AGREEMENT * len(text)
            or np.mean(read.confidences) < MIN_CONFIDENCE_AGAINST_LAYER
        ):
            unsure.append(doubted)
        else:
            refuted |= doubted
    is_refuted = refuted.sum() > kept[~trusted].sum()
    for doubted in unsure:
        kept |= doubted & ~meaningless & ~(odd & is_refuted)
    pieces: list[Piece] = []
    confirmed, replaced = layer.boxes[kept & ~trusted], layer.boxes[refuted | (meaningless & ~kept)]
    for piece in found:
        rest = piece.outside(confirmed)
        if rest is not None:
            in_place = rest.within(replaced) is not None
            reason = SourceReason.GARBLED if in_place else SourceReason.DRAWN if layer.tokens else None
            pieces.append(rest.because(reason))
    return join_pieces(merge_pieces(_pieces_of(layer, kept), pieces))


def _read(
    draw: Draw, region: Region, settings: ReadSettings, *, erased: Boxes, script: str | None = None
) -> list[Piece]:
    """Read a part of the page, without the words that are known."""
    image = draw(region)
    x0, y0, x1, y1 = region
    size = np.array([image.width / (x1 - x0), image.height / (y1 - y0)] * 2)
    start = np.array([x0, y0, x0, y0])
    _erase(image, (erased - start) * size)
    if min(image.size) < MIN_SIDE_PX:  # engines enlarge small pictures, and take large letters apart
        paper = Image.new(
            "RGB", (max(image.width, MIN_SIDE_PX), max(image.height, MIN_SIDE_PX)), image.getpixel((0, 0))
        )
        paper.paste(image)
        image = paper
    lines = ocr.read_upright(image, settings, script=script)
    source = ocr.choose_engine(settings.ocr)
    return [
        Piece(
            [word.text for word in line],
            clip_boxes(np.array([word.box_px for word in line]) / size + start),
            source,
            confidences=[word.confidence for word in line],
        )
        for line in lines
    ]


def _erase(image: Image.Image, boxes_px: NDArray[np.float64]) -> None:
    """Paint over words in the colour beside them."""
    pen = ImageDraw.Draw(image)
    limit = np.array([image.width - 1, image.height - 1] * 2)
    for x0, y0, x1, y1 in boxes_px.round().astype(int).tolist():
        if x1 > 0 and y1 > 0 and x0 < image.width and y0 < image.height:
            left, top, right, bottom = np.array([x0, y0, x1, y1]).clip(0, limit).tolist()
            pen.rectangle((left, top, right, bottom), fill=image.getpixel((left, top)))


def _pieces_of(layer: Layer, kept: NDArray[np.bool_]) -> list[Piece]:
    """Cut the layer's kept words into lines, and at words that are left out."""
    pieces: list[Piece] = []
    words: list[int] = []
    for index, (starts_line, is_kept) in enumerate(
        zip([*layer.starts_line, True], [*kept, False], strict=True)
    ):
        if words and (starts_line or not is_kept):
            tokens = [layer.tokens[word] for word in words]
            is_first = layer.starts_line[words[0]]
            pieces.append(Piece(tokens, layer.boxes[words], TextSource.LAYER, starts_line=is_first))
            words = []
        if is_kept:
            words.append(index)
    return pieces


def _around(boxes: Boxes) -> Region:
    x0, y0 = boxes[:, :2].min(axis=0).tolist()
    x1, y1 = boxes[:, 2:].max(axis=0).tolist()
    if (x1 - x0) * (y1 - y0) > MAX_PART:
        return _PAGE
    return max(0.0, x0 - _MARGIN), max(0.0, y0 - _MARGIN), min(1.0, x1 + _MARGIN), min(1.0, y1 + _MARGIN)


def _aspects(lines: Boxes, look: NDArray[np.uint8]) -> float:
    height, width = look.shape
    sides = (lines[:, 2:] - lines[:, :2]) * [width, height]
    return float((sides.max(axis=1) / np.maximum(1, sides.min(axis=1))).sum()) if len(lines) else 0.0


def _agree(text: str, other: str) -> bool:
    """Say whether two readings have most of their letters in one order. Their first ones tell."""
    matcher = SequenceMatcher(None, text[:MAX_COMPARED], other[:MAX_COMPARED], autojunk=False)
    return matcher.ratio() >= MIN_AGREEMENT


def _text_of(layer: Layer, words: NDArray[np.bool_]) -> str:
    return " ".join(layer.tokens[word] for word in np.flatnonzero(words))


def _letters(text: str) -> str:
    """Return what two readings are compared by: letters, or else digits, which all scripts share."""
    text = clean(text).casefold()
    return "".join(filter(str.isalpha, text)) or "".join(filter(str.isdigit, text))
