"""Plain text and Markdown: cut into pages at paragraph boundaries, and drawn where a picture is needed."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from maxsight.documents.base import ReadSettings, check_page_index
from maxsight.documents.cleaning import find_words, replace_surrogates
from maxsight.documents.encodings import find_encoding
from maxsight.documents.files import not_opened
from maxsight.documents.geometry import Boxes, clip_boxes
from maxsight.errors import InputError, UnsupportedFormatError
from maxsight.identity import composed
from maxsight.lettering import Lettering
from maxsight.segmentation import word_spans
from maxsight.types import Page, TextSource, Words

MAX_PAGE_WORDS = 1000

PARAGRAPH_BREAK = re.compile(r"\n[ \t]*\n\s*")
_SENTENCE_END = re.compile(r"[.!?\u3002\uff01\uff1f][\"')\]]*$")
# Longer "words" are blobs. Four of their characters count as a word.
_MAX_WORD_CHARS = 20

_LINE_END = re.compile("\r\n|[\r\v\x85\u2028\u2029]")
_SEPARATORS = dict.fromkeys(range(0x1C, 0x20), " ")
_CONTROL = re.compile("[\x00-\x08\x0e-\x1b\x7f-\x9f]")
_MAX_CONTROL_SHARE = 0.01
MAX_BREAKS = 3  # Drawn between two words, so that a text of a million empty lines can be drawn.


class PlainTextSource:
    """One text file.

    Raises:
        UnreadableDocumentError: It can't be opened or is not text.
    """

    def __init__(self, path: Path, settings: ReadSettings) -> None:
        try:
            content = path.read_bytes()
        except OSError as error:
            raise not_opened(path, error) from error
        self._path = path
        self._settings = settings
        encoding = find_encoding(content)
        self._note = (
            () if encoding.startswith("utf") else (f"the text is not UTF-8 and was read as {encoding}",)
        )
        self._pages = list(cut_pages(decode(content, path, encoding)))

    @property
    def page_count(self) -> int:
        """Pages the text was cut into, at least one."""
        return len(self._pages)

    def read_page(self, page_index: int) -> Page:
        """Read one page. Its words have no boxes, even with a picture."""
        check_page_index(self._path, page_index, self.page_count)
        text = self._pages[page_index]
        words = find_words(text)
        picture = self._settings.fitted(lambda: self._draw(text, words))
        return Page(page_index, text, words, TextSource.FILE, picture=picture, unread=self._note)

    def render_page(self, page_index: int) -> Image.Image:
        """Draw one page by `layout_text`."""
        page = self.read_page(page_index)
        return self._draw(page.text, page.words)

    def _draw(self, text: str, words: Words) -> Image.Image:
        return layout_text(text, words, max_pixels=self._settings.limits.max_pixels)[0]

    def close(self) -> None:
        """Nothing is held open."""


def decode(content: bytes, path: Path, encoding: str | None = None) -> str:
    """Decode a text file, in the encoding that its bytes show unless one is given.

    Returns:
        The text in Unicode NFC, with Unix line ends and without control characters. U+FFFD stands for bytes that are
        not of the encoding, and for lone surrogates.

    Raises:
        UnsupportedFormatError: It is not text.
    """
    encoding = encoding or find_encoding(content)
    try:
        text = replace_surrogates(content.decode(encoding, "surrogatepass"))
    except (UnicodeDecodeError, LookupError):
        text = content.decode(encoding, "replace")
    lines = _LINE_END.sub("\n", text.replace("\f", "\n\n")).replace("\x1b", "")
    controls = len(_CONTROL.findall(lines))
    if "\x00" in text or controls > _MAX_CONTROL_SHARE * len(text) or content.startswith(b"%PDF-"):
        raise UnsupportedFormatError(
            path,
            "it is named as text but holds binary data",
            hint="Give the file the extension of what it holds.",
        )
    return composed(_CONTROL.sub("", lines.translate(_SEPARATORS)))


def cut_pages(text: str) -> Iterator[str]:
    """Cut a text into pages of at most `MAX_PAGE_WORDS` words, at paragraph boundaries.

    A longer paragraph is cut after a sentence, or after a word where no sentence ends. A text without words is one
    empty page.
    """
    start, end, weight = 0, 0, 0
    for span_start, span_end in _spans(text):
        span_weight = sum(_weight(text[slice(*word)]) for word in _words(text, span_start, span_end))
        if weight and weight + span_weight > MAX_PAGE_WORDS:
            yield text[start:end].strip()
            start, weight = span_start, 0
        end, weight = span_end, weight + span_weight
    if weight or not start:
        yield text[start:end].strip()


def layout_text(
    text: str, words: Words, *, width_px: int = 1240, font_px: int = 22, max_pixels: int | None = None
) -> tuple[Image.Image, Boxes]:
    """Draw a text, and find the box of each of its words.

    Args:
        text: A page's text. Its line breaks stay, and long lines are wrapped.
        words: Its words.
        width_px: Width of the picture; its height follows from the text.
        font_px: Height of the letters.
        max_pixels: Refuse to draw more.

    Returns:
        The picture (RGB), and a box per word in fractions of it. Shape ``(words, 4)``.

    Raises:
        InputError: The picture would have more than ``max_pixels``.
    """
    letters = Lettering(font_px)
    margin, line_px = 3 * font_px, round(1.4 * font_px)
    room, space = width_px - 2 * margin, letters.length(" ")
    boxes = np.zeros((len(words), 4))
    pieces: list[tuple[float, float, str]] = []
    x, y, end = float(margin), float(margin), 0
    for row, (word_start, word_end) in enumerate(words.spans.tolist()):
        gap = text[end:word_start]
        width = letters.length(text[word_start:word_end])
        breaks = min(gap.count("\n"), MAX_BREAKS)
        x = margin + space * len(gap.rpartition("\n")[2]) if breaks or not row else x + space * len(gap)
        if x + width > width_px - margin and x > margin and not breaks:
            x, breaks = float(margin), 1
        y += breaks * line_px
        boxes[row] = x, y, x + width, y + line_px
        if width <= room:
            pieces.append((x, y, text[word_start:word_end]))
            x += width
        else:  # text of a script without spaces, over several lines
            parts = list(_fitting(text[word_start:word_end], letters, room))
            pieces += [(float(margin), y + line * line_px, part) for line, part in enumerate(parts)]
            y += (len(parts) - 1) * line_px
            boxes[row] = margin, boxes[row][1], margin + room, y + line_px
            x = margin + letters.length(parts[-1])
        end = word_end
    height_px = round(y) + line_px + margin
    if max_pixels is not None and width_px * height_px > max_pixels:
        raise InputError(
            f"the text drawn has {width_px:,} x {height_px:,} pixels, more than the limit of {max_pixels:,}",
            hint="Raise the limit on pixels per page (--max-pixels) if you trust the file.",
        )
    image = Image.new("RGB", (width_px, height_px), "white")
    pen = ImageDraw.Draw(image)
    for piece_x, piece_y, piece in pieces:
        letters.write(pen, (piece_x, piece_y), piece, "black")
    return image, clip_boxes(boxes / [image.width, image.height, image.width, image.height])


def _fitting(text: str, letters: Lettering, room_px: float) -> Iterator[str]:
    """Cut a text into parts that are as long as a line at most."""
    start = 0
    while start < len(text):
        fits = range(start + 1, len(text) + 1)
        end = start + max(1, bisect_right(fits, room_px, key=lambda stop: letters.length(text[start:stop])))
        yield text[start:end]
        start = end


def _spans(text: str) -> Iterator[tuple[int, int]]:
    """Find spans that stay together on a page: paragraphs, or parts of long ones."""
    start = 0
    for paragraph_break in [*PARAGRAPH_BREAK.finditer(text), None]:
        end = paragraph_break.start() if paragraph_break else len(text)
        yield from _cut_paragraph(text, start, end)
        start = paragraph_break.end() if paragraph_break else len(text)


def _cut_paragraph(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    weight, sentence_end, sentence_weight = 0, None, 0
    for word_start, word_end in _words(text, start, end):
        word = text[word_start:word_end]
        word_weight = _weight(word)
        while weight and weight + word_weight > MAX_PAGE_WORDS:
            cut = sentence_end if sentence_end is not None else word_start
            yield start, cut
            weight -= sentence_weight if sentence_end is not None else weight
            start, sentence_end, sentence_weight = cut, None, 0
        weight += word_weight
        if _SENTENCE_END.search(word):
            sentence_end, sentence_weight = word_end, weight
    if start < end:
        yield start, end


def _words(text: str, start: int, end: int) -> list[tuple[int, int]]:
    return [(start + first, start + last) for first, last in word_spans(text[start:end])]


def _weight(word: str) -> int:
    return 1 if len(word) <= _MAX_WORD_CHARS else -(-len(word) // 4)
