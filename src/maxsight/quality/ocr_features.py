"""Features of what OCR read and of its confidence, for when OCR has run already.

A misread text looks odd: capitals and digits within words, signs between letters, words without vowels, single
characters. No dictionary or language model is used.
"""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from maxsight.quality.text_presence import InkFound

_SIGN_WITHIN = re.compile(r"\w[^\w\s'\u2019&.,/-]\w")
_CAPITAL_WITHIN = re.compile(r"[a-z][A-Z]|[A-Z]{2}[a-z]")
_VOWELS = frozenset("aeiouAEIOU")


def compute_ocr_features(confidence: float, text: str, ink: InkFound) -> NDArray[np.float32]:
    """Compute `OCR_FEATURES`. Shape ``(len(OCR_FEATURES),)``.

    Args:
        confidence: The engine's mean confidence.
        text: The text it read.
        ink: The ink on the page.
    """
    return np.array(list(_describe(confidence, text, ink).values()), np.float32)


def _describe(confidence: float, text: str, ink: InkFound) -> dict[str, float]:
    words = text.split()
    lengths = np.array([len(word) for word in words] or [0])
    characters, letters = int(lengths.sum()), sum(map(str.isalpha, text))

    def of_words(count: int) -> float:
        return count / max(1, len(words))

    def of_characters(count: int) -> float:
        return count / max(1, characters)

    return {
        "ocr confidence": confidence,
        # Counts are logarithms. Only their ratio to the ink shows text that the engine dropped without a trace.
        "ocr characters": np.log1p(characters),
        "ocr words": np.log1p(len(words)),
        "ocr characters per piece of ink": np.log1p(characters) - np.log1p(ink.pieces),
        "ocr characters per piece in line": np.log1p(characters) - np.log1p(ink.in_line),
        "ocr word length": lengths.mean(),
        "ocr word length deviation": lengths.std(),
        "ocr length of long words": np.percentile(lengths, 90),
        # Shares from here on.
        "ocr different words": of_words(len(set(words))),
        "ocr letters and digits": of_characters(sum(map(str.isalnum, text))),
        "ocr digits": of_characters(sum(map(str.isdigit, text))),
        "ocr letters in words of letters": of_characters(sum(len(word) for word in words if word.isalpha())),
        "ocr characters beyond ASCII": of_characters(sum(not character.isascii() for character in text)),
        "ocr vowels": sum(character in _VOWELS for character in text) / max(1, letters),
        "ocr lone characters": of_words(sum(len(word) == 1 for word in words)),
        "ocr words of letters and digits": of_words(sum(map(_mixes_letters_and_digits, words))),
        "ocr words of letters": of_words(sum(map(_is_cased_as_usual, words))),
        "ocr words without vowels": of_words(sum(map(_lacks_vowels, words))),
        "ocr words of signs": of_words(sum(not any(c.isalnum() or c == "_" for c in word) for word in words)),
        "ocr signs within words": of_words(sum(bool(_SIGN_WITHIN.search(word)) for word in words)),
        "ocr capitals within words": of_words(sum(bool(_CAPITAL_WITHIN.search(word)) for word in words)),
    }


def _mixes_letters_and_digits(word: str) -> bool:
    return word.isalnum() and not word.isalpha() and not word.isnumeric()


def _is_cased_as_usual(word: str) -> bool:
    return word.isalpha() and (word.islower() or word.istitle() or word.isupper())


def _lacks_vowels(word: str) -> bool:
    return len(word) > 2 and word.isalpha() and not (_VOWELS | {"y", "Y"}) & set(word)


OCR_FEATURES = tuple(_describe(0, "", InkFound(0, 0, 0)))
"""Names of the features, in their order."""
