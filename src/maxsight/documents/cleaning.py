"""A page's text and its words: clean them and join them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from maxsight.documents.geometry import Boxes
from maxsight.documents.hyphens import SOFT_HYPHEN, Hyphens
from maxsight.documents.unspaced import LineEnds, cut_words
from maxsight.identity import composed
from maxsight.segmentation import UNSPACED, word_spans
from maxsight.types import TextRun, TextSource, Words

# pdfium writes U+FFFE for a hyphen at the end of a line, and leaves the line break out.
LINE_END_HYPHEN = "\ufffe"

# Soft hyphen, zero-width space, directional marks and isolates, word joiner, byte order mark. With them, words that
# look the same would differ. The joiners U+200C and U+200D stay, as Persian and Hindi are spelt with them.
_INVISIBLE = dict.fromkeys(
    [0xAD, 0x200B, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2060, 0x206A), 0xFEFF]
)
_CONTROL = {code: None for code in [*range(0x20), *range(0x7F, 0xA0)] if chr(code) not in "\t\n\r"}
# Line and page breaks of slides, and separators of data, stand between words.
_BREAKS = dict.fromkeys([0x0B, 0x0C, *range(0x1C, 0x20), 0x85, 0x2028, 0x2029], "\n")
_DROPPED = _INVISIBLE | _CONTROL | _BREAKS

# Widths of a character between two characters of a script without spaces. Cells of a table are further apart. The
# wider one counts: OCR's box of a comma is as narrow as its ink.
MAX_GAP = 1.2

# Ligatures and Arabic presentation forms say how a letter is drawn, not which letter it is.
_PRESENTATION_FORM = re.compile("[\ufb00-\ufdff\ufe70-\ufefc]")
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """The text of one page, as a text layer or an OCR engine gives it.

    Attributes:
        text: The text.
        words: Where its words are.
        source: Where it, or most of it, comes from.
        runs: `Page.text_runs`.
    """

    text: str
    words: Words
    source: TextSource
    runs: tuple[TextRun, ...] = ()


NOTHING_READ = Reading("", Words(np.zeros((0, 2), np.int32), np.zeros((0, 4), np.float32)), TextSource.NONE)


@dataclass(frozen=True, slots=True)
class OcrWord:
    """One word that an OCR engine has found.

    Attributes:
        text: The word, without whitespace.
        box_px: ``x0, y0, x1, y1`` in pixels, origin top left.
        confidence: The OCR engine's confidence, from 0 to 1.
    """

    text: str
    box_px: tuple[float, float, float, float]
    confidence: float


Lines = list[list[OcrWord]]


def confidence_of(lines: Lines) -> float:
    """Compute the mean confidence over characters; 0 without any."""
    words = [word for line in lines for word in line]
    characters = sum(len(word.text) for word in words)
    return sum(word.confidence * len(word.text) for word in words) / characters if characters else 0.0


def clean(text: str) -> str:
    """Make text searchable and valid UTF-8: NFC, no control or invisible characters, letters for ligatures."""
    if text.isascii() and text.isprintable():
        return text
    text = replace_surrogates(text)
    text = _PRESENTATION_FORM.sub(lambda form: unicodedata.normalize("NFKC", form.group()), text)
    return composed(text.translate(_DROPPED))


def replace_surrogates(text: str) -> str:
    """Make text valid Unicode: join the halves of surrogate pairs, and put U+FFFD for a half without the other.

    No store can hold a lone surrogate, as UTF-8 has none (RFC 3629, section 3).
    """
    if not _SURROGATE.search(text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def join_words(
    tokens: Sequence[str], starts_line: Sequence[bool], boxes: NDArray[np.floating], source: TextSource
) -> Reading:
    """Join words to a text: a newline before those that start a line, a space before the others.

    A word that is divided at the end of a line stays on that line as a whole: its parts are words whose spans touch.
    So are neighbours of a script that has no spaces between words; its words are found in the joined text.

    Args:
        tokens: Words without whitespace. Those that are empty after cleaning are left out.
        starts_line: One per token.
        boxes: Fractions of the page, in order. Shape ``(tokens, 4)``.
        source: Where the words come from.
    """
    cleaned = [clean(token).strip() for token in tokens]
    kept = [index for index, token in enumerate(cleaned) if token]
    kept_boxes = boxes[kept].astype(np.float32).reshape(-1, 4)
    starts = np.array([starts_line[index] for index in kept], np.bool_)
    hyphens, line_ends = (
        Hyphens(lambda: cleaned),
        LineEnds([cleaned[index] for index in kept], kept_boxes, starts),
    )
    parts: list[str] = []
    spans: list[tuple[int, int]] = []
    end, after_divided = 0, False
    for row, index in enumerate(kept):
        token, begins = cleaned[index], starts_line[index]
        head = None
        if parts and begins and token[0].isalpha():
            ends_softly = tokens[kept[row - 1]].endswith(SOFT_HYPHEN)
            head = hyphens.join(parts[-1] + (SOFT_HYPHEN if ends_softly else ""), token)
        if head is not None:
            end -= len(parts[-1]) - len(head)
            parts[-1] = head
            spans[-1] = (end - len(head), end)
        elif parts and (
            not line_ends.go_on(row)
            if begins
            else token.isascii() or not _are_close(parts[-1], token, kept_boxes[row - 1 : row + 1])
        ):
            parts.append("\n" if begins or after_divided else " ")
            end += 1
        parts.append(token)
        spans.append((end, end + len(token)))
        end += len(token)
        after_divided = head is not None
    text = "".join(parts)
    words = cut_words(text, np.array(spans, dtype=np.int32).reshape(-1, 2), kept_boxes, starts)
    return Reading(text, Words(*words), source if kept else TextSource.NONE)


def _are_close(first: str, second: str, boxes: Boxes) -> bool:
    """Say whether two neighbours in a line are of a script without spaces, and no more than a character apart."""
    if not (UNSPACED.match(first[-1]) and UNSPACED.match(second[0])):
        return False
    gaps = np.maximum(boxes[1, :2] - boxes[0, 2:], boxes[0, :2] - boxes[1, 2:])
    axis = int(gaps.argmax())
    widths = (boxes[:, axis + 2] - boxes[:, axis]) / [len(first), len(second)]
    return bool(gaps[axis] <= MAX_GAP * widths.max())


def find_words(text: str) -> Words:
    """Find the words of a text that has no boxes."""
    return Words(np.array(word_spans(text), dtype=np.int32).reshape(-1, 2), None)
