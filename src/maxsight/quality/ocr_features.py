"""What an OCR engine says of its reading, and what the reading looks like, as features: for after OCR has run.

A misread text has odd shapes: capitals and digits within words, signs between letters, words without vowels, lone
characters. No dictionary is asked, and no language model.
"""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from maxsight.quality.text_presence import InkFound

OCR_FEATURES = (
    "ocr confidence",
    "ocr characters",
    "ocr words",
    "ocr characters per piece of ink",
    "ocr characters per piece in line",
    "ocr word length",
    "ocr word length deviation",
    "ocr length of long words",
    "ocr different words",
    "ocr letters and digits",
    "ocr digits",
    "ocr letters in words of letters",
    "ocr characters beyond ASCII",
    "ocr vowels",
    "ocr lone characters",
    "ocr words of letters and digits",
    "ocr words of letters",
    "ocr words without vowels",
    "ocr words of signs",
    "ocr signs within words",
    "ocr capitals within words",
)
"""Counts are logarithms; from the different words on, all are shares. Text that the engine has dropped shows only
beside the ink on the page: it is sure of what it kept."""

_SIGN_WITHIN = re.compile(r"\w[^\w\s'\u2019&.,/-]\w")
_CAPITAL_WITHIN = re.compile(r"[a-z][A-Z]|[A-Z]{2}[a-z]")
_VOWELS = frozenset("aeiouAEIOU")


def ocr_features(confidence: float, text: str, ink: InkFound) -> NDArray[np.float32]:
    """Describe what an OCR engine read, by `OCR_FEATURES`. Shape ``(len(OCR_FEATURES),)``.

    Args:
        confidence: The engine's mean confidence.
        text: What it read.
        ink: What there was to read.
    """
    words = text.split()
    lengths = np.array([len(word) for word in words] or [0])
    characters, letters = int(lengths.sum()), sum(map(str.isalpha, text))

    def of_words(kept: int) -> float:
        return kept / max(1, len(words))

    def of_characters(kept: int) -> float:
        return kept / max(1, characters)

    return np.array(
        [
            confidence,
            np.log1p(characters),
            np.log1p(len(words)),
            np.log1p(characters) - np.log1p(ink.pieces),
            np.log1p(characters) - np.log1p(ink.in_line),
            lengths.mean(),
            lengths.std(),
            np.percentile(lengths, 90),
            of_words(len(set(words))),
            of_characters(sum(map(str.isalnum, text))),
            of_characters(sum(map(str.isdigit, text))),
            of_characters(sum(len(word) for word in words if word.isalpha())),
            of_characters(sum(not character.isascii() for character in text)),
            sum(character in _VOWELS for character in text) / max(1, letters),
            of_words(sum(len(word) == 1 for word in words)),
            of_words(sum(map(_mixes_letters_and_digits, words))),
            of_words(sum(map(_is_cased_as_usual, words))),
            of_words(sum(_lacks_vowels(word) for word in words)),
            of_words(sum(not any(map(_is_part_of_a_word, word)) for word in words)),
            of_words(sum(_SIGN_WITHIN.search(word) is not None for word in words)),
            of_words(sum(_CAPITAL_WITHIN.search(word) is not None for word in words)),
        ],
        np.float32,
    )


def _mixes_letters_and_digits(word: str) -> bool:
    return word.isalnum() and not word.isalpha() and not word.isnumeric()


def _is_cased_as_usual(word: str) -> bool:
    return word.isalpha() and (word.islower() or word.istitle() or word.isupper())


def _lacks_vowels(word: str) -> bool:
    return len(word) > 2 and word.isalpha() and not (_VOWELS | {"y", "Y"}) & set(word)


def _is_part_of_a_word(character: str) -> bool:
    return character.isalnum() or character == "_"
