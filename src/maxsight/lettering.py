"""Letters in pictures that are drawn here. Scripts that Pillow's own font lacks are written in fonts of the system."""

from __future__ import annotations

import os
import re
import sys
import unicodedata
from collections import Counter
from functools import cache
from itertools import groupby
from pathlib import Path

from PIL import ImageDraw, ImageFont

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
Colour = str | tuple[int, int, int]

_UNASSIGNED = "\U0010ffff"
"""A font draws what it lacks as it draws this."""
_PROBE_PX = 24
_FOLDERS = {
    "linux": ("/usr/share/fonts", "/usr/local/share/fonts", "~/.fonts", "~/.local/share/fonts"),
    "darwin": ("/System/Library/Fonts", "/Library/Fonts", "~/Library/Fonts"),
    "win32": (rf"{os.environ.get('WINDIR', 'C:')}\Fonts", r"~\AppData\Local\Microsoft\Windows\Fonts"),
}
# Upright letters without serifs come first, and those of few scripts last.
_PLAIN = re.compile(
    r"(dejavusans|notosans.*-regular|notosanscjk.*regular|arial ?unicode|segoeui)\.", re.IGNORECASE
)
_STYLED = re.compile(r"bold|italic|oblique|light|thin|black|mono|condensed|narrow|serif", re.IGNORECASE)
_WORDS = re.compile(r"\s+|\S+")
_BLOCK = 128
"""Characters of a block are mostly in the same fonts."""
MAX_MISSED = 16


class Lettering:
    """Letters of one height.

    Args:
        size_px: Their height.
    """

    def __init__(self, size_px: int) -> None:
        self._own = ImageFont.load_default(size_px)
        self._size_px = size_px

    def length(self, text: str) -> float:
        """Return the width of a line in pixels."""
        return sum(font.getlength(part) for part, font in self._parts(text))

    def write(
        self, pen: ImageDraw.ImageDraw, at: tuple[float, float], text: str, fill: Colour, anchor: str = "la"
    ) -> None:
        """Write a line of text. ``anchor`` says which of its points is at ``at``, as in Pillow."""
        parts = self._parts(text)
        if len(parts) <= 1 and all(font is self._own for _, font in parts):
            pen.text(at, text, font=self._own, fill=fill, anchor=anchor)
            return
        x, y = at
        x -= self.length(text) * {"l": 0.0, "m": 0.5, "r": 1.0}[anchor[0]]
        ascent, descent = self._own.getmetrics() if isinstance(self._own, ImageFont.FreeTypeFont) else (0, 0)
        y += ascent if anchor[1] == "a" else (ascent - descent) / 2
        for part, font in parts:
            pen.text((x, y), part, font=font, fill=fill, anchor="ls")
            x += font.getlength(part)

    def _parts(self, text: str) -> list[tuple[str, Font]]:
        """Cut a text into parts of one font each."""
        if text.isascii():
            return [(text, self._own)]
        files = [file for word in _WORDS.findall(text) for file in _fonts_of(word)]
        parts = groupby(zip(text, files, strict=True), key=lambda pair: pair[1])
        return [("".join(letter for letter, _ in pairs), self._font(file)) for file, pairs in parts]

    def _font(self, file: Path | None) -> Font:
        return self._own if file is None else _opened(file, self._size_px)


def without_font(text: str) -> str:
    """Return the letters of a text that no font here has, each once. Boxes are drawn for them."""
    letters = (letter for letter in dict.fromkeys(text) if not letter.isspace())
    return "".join(letter for letter in letters if _font_with(letter) is None and not _has(None, letter))


def _fonts_of(word: str) -> list[Path | None]:
    """Choose the font of each character of a word: the same one if it has all of them."""
    files: list[Path | None] = []
    for character in word:
        # Marks and joiners are drawn with the letter before them.
        is_mark = unicodedata.category(character)[0] in "MC" and files
        files.append(files[-1] if is_mark else _font_with(character))
    for file in set(files) - {None}:
        if all(_has(file, character) for character in word):
            return [file] * len(word)
    return files


@cache
def _font_with(character: str) -> Path | None:
    """Return the font of the system that has a character; None for Pillow's own, also where no font has it."""
    if character.isascii() or character.isspace() or _has(None, character):
        return None
    block = ord(character) // _BLOCK
    if _MISSED[block] == MAX_MISSED:
        return None
    served = _SERVED.setdefault(block, [])
    found = next((file for file in (*served, *_system_fonts()) if _has(file, character)), None)
    if found is not None and found not in served:
        served.append(found)
    if found is None and not served:
        _MISSED[block] += 1
    return found


_SERVED: dict[int, list[Path]] = {}
"""The fonts that have had characters of a block; they are tried first."""
_MISSED: Counter[int] = Counter()
"""How many characters of a block no font had. After some of them, no fonts are tried for the others."""


@cache
def _has(file: Path | None, character: str) -> bool:
    font = ImageFont.load_default(_PROBE_PX) if file is None else _opened(file, _PROBE_PX)
    return _drawn(font, character) != _missing(file)


@cache
def _missing(file: Path | None) -> bytes:
    font = ImageFont.load_default(_PROBE_PX) if file is None else _opened(file, _PROBE_PX)
    return _drawn(font, _UNASSIGNED)


def _drawn(font: Font, character: str) -> bytes:
    mask = font.getmask(character)
    return repr(mask.size).encode() + bytes(mask)


@cache
def _opened(file: Path, size_px: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(file), size_px)


@cache
def _system_fonts() -> tuple[Path, ...]:
    """List the fonts of the system that can be opened, the plainest first."""
    folders = _FOLDERS.get(sys.platform, _FOLDERS["linux"])
    files = [
        Path(folder, name)
        for top in folders
        for folder, _, names in os.walk(Path(top).expanduser())
        for name in sorted(names)
        if name.lower().endswith((".ttf", ".ttc", ".otf"))
    ]
    files.sort(key=lambda file: (not _PLAIN.search(file.name), bool(_STYLED.search(file.name))))
    return tuple(filter(_opens, files))


def _opens(file: Path) -> bool:
    try:
        _opened(file, _PROBE_PX)
    except OSError:
        return False
    return True
