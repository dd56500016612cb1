"""The result of an OCR engine: lines of words, each with its box and confidence."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class OcrWord:
    """One word of a picture.

    Attributes:
        text: The word, without whitespace.
        box_px: ``x0, y0, x1, y1`` in pixels, origin top left.
        confidence: The engine's own, from 0 to 1.
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
