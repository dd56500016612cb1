"""Repairs characters of a PDF's text layer by the places of their glyphs: accents drawn apart, and lam-alef.

The text keeps one character per index of pdfium. `FILLER` stands where a character is dropped; cleaning removes it.
"""

from __future__ import annotations

import ctypes
import re
import unicodedata
from collections.abc import Iterator

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

FILLER = "\u200b"
_Box = tuple[float, float, float, float]

# TeX's OT1 fonts have accents as glyphs of their own. They are set over the letter, before or after it.
_MARKS = {
    "`": "\u0300",
    "\u00b4": "\u0301",
    "^": "\u0302",
    "\u02c6": "\u0302",
    "~": "\u0303",
    "\u02dc": "\u0303",
    "\u00af": "\u0304",
    "\u02d8": "\u0306",
    "\u02d9": "\u0307",
    "\u00a8": "\u0308",
    "\u02da": "\u030a",
    "\u02dd": "\u030b",
    "\u02c7": "\u030c",
    "\u00b8": "\u0327",
    "\u02db": "\u0328",
}
# Latin accents, and the vowels of Hebrew and Arabic.
_ACCENT = re.compile(f"[{re.escape(''.join(_MARKS))}\u0300-\u036f\u05b0-\u05c7\u064b-\u0652\u0670]")
_DOTLESS = {"\u0131": "i", "\u0237": "j"}
# The glyph of lam-alef stands for two letters. pdfium reverses text from right to left, and with it the two.
_REVERSED_LAM_ALEF = re.compile("[\u0622\u0623\u0625\u0627]\u0644")
MIN_OVERLAP = 0.5
"""Share of an accent's width that lies over its letter."""
MAX_GAP = 0.3
"""Between two letters of a word, in heights of a letter. pdfium writes a blank where an accent comes between them."""


def repair(text: str, layer: pdfium.PdfTextPage) -> str:
    """Compose letters with their accents, and put lam before alef.

    Args:
        text: The layer's characters, one per index.
        layer: The text layer.
    """
    characters = list(text)
    for found in _REVERSED_LAM_ALEF.finditer(text):
        first = found.start()
        if _box(layer, first) == _box(layer, first + 1):
            characters[first], characters[first + 1] = text[first + 1], text[first]
    for found in _ACCENT.finditer(text):
        _compose(characters, layer, found.start())
    return "".join(characters)


def _compose(characters: list[str], layer: pdfium.PdfTextPage, accent: int) -> None:
    """Put an accent onto the letter below or above it, if there is one."""
    mark = _MARKS.get(characters[accent], characters[accent])
    place = _box(layer, accent)
    overlap, letter, composed = 0.0, accent, ""
    beside = list(_neighbours(characters, accent))
    for index in (*beside, *_under_or_over(layer, place)):
        base = _DOTLESS.get(characters[index], characters[index])
        whole = unicodedata.normalize("NFC", base + mark)
        shared = _shared_width(place, _box(layer, index))
        is_whole = len(whole) == 1 or (index in beside and unicodedata.combining(characters[accent]) > 0)
        if base.isalpha() and is_whole and shared > max(overlap, MIN_OVERLAP):
            overlap, letter, composed = shared, index, whole
    if not composed:
        return
    low, high = sorted((accent, letter)) if letter in beside else (letter, letter)
    characters[low:high] = [FILLER] * (high - low)
    characters[accent] = characters[high] = FILLER
    if len(composed) == 1:
        characters[letter] = composed
    else:  # No character has both: the letter comes first.
        characters[low], characters[high] = composed[0], composed[1]
    for neighbour in _neighbours(characters, low, high):
        if _are_close(_box(layer, letter), _box(layer, neighbour)):
            blanks = range(neighbour + 1, low) if neighbour < low else range(high + 1, neighbour)
            for blank in blanks:
                characters[blank] = FILLER


def _neighbours(characters: list[str], first: int, last: int | None = None) -> Iterator[int]:
    """Find the characters before and after some, over blanks."""
    for step, index in ((-1, first), (1, first if last is None else last)):
        index += step
        while 0 <= index < len(characters) and characters[index].isspace():
            index += step
        if 0 <= index < len(characters):
            yield index


def _under_or_over(layer: pdfium.PdfTextPage, accent: _Box) -> Iterator[int]:
    """Find the characters right below and right above an accent that was drawn apart from its word."""
    left, bottom, right, top = accent
    height = top - bottom
    for y in (bottom - height, top + height):
        index = pdfium_c.FPDFText_GetCharIndexAtPos(layer.raw, (left + right) / 2, y, height, height)
        if index >= 0:
            yield index


def _shared_width(accent: _Box, letter: _Box) -> float:
    """The share of the accent's width over or under the letter; 0 on another line."""
    height = letter[3] - letter[1]
    if accent[1] > letter[3] + height or accent[3] < letter[1] - height:
        return 0.0
    shared = min(accent[2], letter[2]) - max(accent[0], letter[0])
    return shared / max(accent[2] - accent[0], 1e-6)


def _are_close(letter: _Box, other: _Box) -> bool:
    height = max(letter[3] - letter[1], other[3] - other[1])
    gap = max(letter[0] - other[2], other[0] - letter[2])
    return gap <= MAX_GAP * height and min(letter[3], other[3]) > max(letter[1], other[1])


def _box(layer: pdfium.PdfTextPage, index: int) -> _Box:
    """The box of a character's ink: left, bottom, right, top in points."""
    edges = [ctypes.c_double() for _ in range(4)]
    left, right, bottom, top = edges
    pdfium_c.FPDFText_GetCharBox(layer.raw, index, *map(ctypes.byref, edges))
    return left.value, bottom.value, right.value, top.value
