"""What an OCR engine reads in a picture: lines of words, each with its place and its confidence."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class OcrWord:
    """One word of a picture.

    Attributes:
        text: Without whitespace.
        box_px: ``x0, y0, x1, y1``, origin top left.
        confidence: From 0 to 1.
    """

    text: str
    box_px: tuple[float, float, float, float]
    confidence: float


Lines = list[list[OcrWord]]


def confidence_of(lines: Lines) -> float:
    """Mean confidence over characters, 0 without any."""
    words = [word for line in lines for word in line]
    characters = sum(len(word.text) for word in words)
    return sum(word.confidence * len(word.text) for word in words) / characters if characters else 0.0
