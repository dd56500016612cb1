"""How wrong an OCR engine was on a page: character and word error rates against what the page says.

Words are compared line by line of the page, left to right, not in the engine's order: reading the right column first
is not an error, missing a word is. For that both sides need places; a reference without them is compared in the order
it is written.

Before comparing, text is brought to Unicode NFKC, typographic quotes and dashes to plain ones, and white space to
single spaces; words without a letter or digit (rules, leaders, bullets) are left out. Case counts unless told
otherwise.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import jiwer
import numpy as np
from numpy.typing import NDArray

from maxsight.errors import InputError

# Of a line's height: words whose middles are closer than this stand in one line.
SAME_LINE = 0.5
# An engine's word belongs to the reference's nearest one, if it is at most so many of its heights away.
REACH_DOWN, REACH_ACROSS = 0.8, 6.0
_PLAIN = str.maketrans({"‘": "'", "’": "'", "“": '"', "”": '"', "–": "-", "—": "-", "−": "-", "‐": "-"})  # noqa: RUF001

Boxes = NDArray[np.floating]


@dataclass(frozen=True, slots=True, eq=False)
class PlacedWords:
    """Words and where they stand.

    Attributes:
        texts: The words.
        boxes: ``x0, y0, x1, y1``, in the same unit as what they are compared with. Shape ``(words, 4)``.
    """

    texts: Sequence[str]
    boxes: Boxes

    def __post_init__(self) -> None:
        if self.boxes.shape != (len(self.texts), 4):
            raise InputError(f"expected one box per word, got {self.boxes.shape} for {len(self.texts)} words")


@dataclass(frozen=True, slots=True)
class ErrorRates:
    """Edits over the reference's length. Above 1 where an engine wrote more than there was.

    Attributes:
        characters: Substituted, missing and added characters per character of the reference.
        words: Likewise for words.
    """

    characters: float
    words: float

    @property
    def cer(self) -> float:
        """Character error rate, at most 1: what is learned."""
        return min(self.characters, 1.0)

    @property
    def wer(self) -> float:
        """Word error rate, at most 1."""
        return min(self.words, 1.0)


def normalise(text: str, *, ignore_case: bool = False) -> str:
    """Bring a text to the form in which texts are compared."""
    text = unicodedata.normalize("NFKC", text).translate(_PLAIN)
    if ignore_case:
        text = text.casefold()
    return " ".join(word for word in text.split() if any(map(str.isalnum, word)))


def rates_of_texts(reference: str, read: str, *, ignore_case: bool = False) -> ErrorRates:
    """Compare two texts in the order in which they are written.

    Raises:
        InputError: The reference has no words.
    """
    return _rates([normalise(reference, ignore_case=ignore_case)], [normalise(read, ignore_case=ignore_case)])


def rates_by_place(reference: PlacedWords, read: PlacedWords, *, ignore_case: bool = False) -> ErrorRates:
    """Compare words line by line of the page, whatever the order in which they were read.

    Raises:
        InputError: The reference has no words.
    """
    lines = lines_of(reference.boxes)
    line_count = int(lines.max(initial=-1)) + 1
    found = _lines_found(reference.boxes, lines, read.boxes)
    found[found < 0] = line_count  # what stands where nothing should: one more line, all of it added
    truth = _joined(reference, lines, line_count + 1, ignore_case)
    return _rates(truth, _joined(read, found, line_count + 1, ignore_case))


def lines_of(boxes: Boxes) -> NDArray[np.intp]:
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


def _lines_found(reference: Boxes, lines: NDArray[np.intp], read: Boxes) -> NDArray[np.intp]:
    """Put each word read into the line of the nearest reference word; -1 where none is near."""
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


def _joined(words: PlacedWords, lines: NDArray[np.intp], count: int, ignore_case: bool) -> list[str]:
    texts: list[list[str]] = [[] for _ in range(count)]
    for word in np.argsort(words.boxes[:, 0], kind="stable"):
        texts[lines[word]].append(words.texts[word])
    return [normalise(" ".join(line), ignore_case=ignore_case) for line in texts]


def _rates(truth: list[str], read: list[str]) -> ErrorRates:
    if not any(truth):
        raise InputError("the reference has no words to compare with")
    return ErrorRates(jiwer.process_characters(truth, read).cer, jiwer.process_words(truth, read).wer)
