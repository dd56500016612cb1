"""Character and word error rates of a text that OCR read, against what the page says.

Words are compared line by line of the page, from left to right. The engine's order does not count: to read the right
column first is no error, to miss a word is one. This needs boxes on both sides. Texts without boxes are compared in
their own order.

Before comparing, text is brought to Unicode NFKC, typographic quotes and dashes become plain ones, and white space
becomes single spaces. Words without a letter or digit (rules, leaders, bullets) are left out.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

import jiwer
import numpy as np
from numpy.typing import NDArray

from maxsight.errors import InputError
from maxsight.quality.ocr import PlacedWords
from maxsight.types import Floats

# Words stand in one line if their middles are closer than this share of the line's height.
SAME_LINE = 0.5
# A word that OCR read belongs to the nearest reference word at most this many of its heights away.
REACH_DOWN, REACH_ACROSS = 0.8, 6.0
_PLAIN = str.maketrans({"‘": "'", "’": "'", "“": '"', "”": '"', "–": "-", "—": "-", "−": "-", "‐": "-"})  # noqa: RUF001


@dataclass(frozen=True, slots=True)
class ErrorRates:
    """Edits divided by the reference's length. They exceed 1 where OCR added much.

    Attributes:
        characters: Substituted, missing and added characters per character of the reference.
        words: The same for words.
    """

    characters: float
    words: float

    @property
    def cer(self) -> float:
        """Character error rate, at most 1."""
        return min(self.characters, 1.0)

    @property
    def wer(self) -> float:
        """Word error rate, at most 1."""
        return min(self.words, 1.0)


def normalise(text: str) -> str:
    """Bring a text to the form in which texts are compared."""
    text = unicodedata.normalize("NFKC", text).translate(_PLAIN)
    return " ".join(word for word in text.split() if any(map(str.isalnum, word)))


def compare_texts(reference: str, read: str) -> ErrorRates:
    """Compare two texts in their own order.

    Raises:
        InputError: The reference has no words.
    """
    return _rates([normalise(reference)], [normalise(read)])


def compare_by_place(reference: PlacedWords, read: PlacedWords) -> ErrorRates:
    """Compare words line by line of the page, in any reading order.

    Raises:
        InputError: The reference has no words.
    """
    lines = number_lines(reference.boxes)
    line_count = int(lines.max(initial=-1)) + 1
    found = _lines_found(reference.boxes, lines, read.boxes)
    found[found < 0] = line_count  # one more line for words that stand where the reference has none
    truth = _join_lines(reference, lines, line_count + 1)
    return _rates(truth, _join_lines(read, found, line_count + 1))


def number_lines(boxes: Floats) -> NDArray[np.intp]:
    """Number the lines that words stand in, from the top. Shape ``(words,)``."""
    middles, heights = (boxes[:, 1] + boxes[:, 3]) / 2, boxes[:, 3] - boxes[:, 1]
    lines = np.zeros(len(boxes), np.intp)
    line, members = -1, 0
    line_middle = line_height = 0.0
    for word in np.argsort(middles, kind="stable"):
        apart = middles[word] - line_middle
        if not members or apart > SAME_LINE * min(line_height, heights[word]):
            line, members, line_middle, line_height = line + 1, 0, 0.0, 0.0
        members += 1
        line_middle += (middles[word] - line_middle) / members
        line_height += (heights[word] - line_height) / members
        lines[word] = line
    return lines


def _lines_found(reference: Floats, lines: NDArray[np.intp], read: Floats) -> NDArray[np.intp]:
    """Assign each word read to the line of the nearest reference word; -1 if none is near."""
    if not len(read) or not len(reference):
        return np.full(len(read), -1, np.intp)
    heights = np.maximum(reference[:, 3] - reference[:, 1], 1e-6)
    middles, read_middles = (reference[:, 1] + reference[:, 3]) / 2, (read[:, 1] + read[:, 3]) / 2
    down = np.abs(read_middles[:, None] - middles) / heights  # (read, reference)
    across = np.maximum(reference[:, 0] - read[:, 2, None], read[:, 0, None] - reference[:, 2]) / heights
    distance = np.maximum(across, 0) + REACH_ACROSS * down
    nearest = distance.argmin(axis=1)
    row = np.arange(len(read))
    near = (down[row, nearest] <= REACH_DOWN) & (across[row, nearest] <= REACH_ACROSS)
    return np.where(near, lines[nearest], -1)


def _join_lines(words: PlacedWords, lines: NDArray[np.intp], count: int) -> list[str]:
    texts: list[list[str]] = [[] for _ in range(count)]
    for word in np.argsort(words.boxes[:, 0], kind="stable"):
        texts[lines[word]].append(words.texts[word])
    return [normalise(" ".join(line)) for line in texts]


def _rates(truth: list[str], read: list[str]) -> ErrorRates:
    if not any(truth):
        raise InputError("the reference has no words to compare with")
    return ErrorRates(jiwer.process_characters(truth, read).cer, jiwer.process_words(truth, read).wer)
