"""What an OCR engine reads on a picture, with its confidence in each word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from maxsight.documents.base import OcrChoice
from maxsight.documents.ocr.choosing import choose_engine, is_blank, read_lines
from maxsight.errors import InputError
from maxsight.types import Floats, TextSource

PAGE_TIMEOUT_S = 120.0


@dataclass(frozen=True, slots=True, eq=False)
class PlacedWords:
    """Words and their places.

    Attributes:
        texts: The words.
        boxes: ``x0, y0, x1, y1``, in one unit for all words that are compared. Shape ``(words, 4)``.
    """

    texts: Sequence[str]
    boxes: Floats

    def __post_init__(self) -> None:
        if self.boxes.shape != (len(self.texts), 4):
            raise InputError(f"expected one box per word, got {self.boxes.shape} for {len(self.texts)} words")

    @property
    def text(self) -> str:
        """The words in their order, joined by spaces."""
        return " ".join(self.texts)


@dataclass(frozen=True, slots=True, eq=False)
class OcrReading:
    """The result of an OCR engine.

    Attributes:
        words: In the engine's order, boxes in pixels of the picture.
        confidences: The engine's confidence in each word, from 0 to 1. Shape ``(words,)``.
    """

    words: PlacedWords
    confidences: NDArray[np.float64]

    @property
    def confidence(self) -> float:
        """Mean over words; 0 without words."""
        return float(self.confidences.mean()) if len(self.confidences) else 0.0


def read_picture(picture: NDArray[np.uint8], choice: OcrChoice) -> OcrReading:
    """Read a picture, grey or RGB. A page upside down is not turned.

    Raises:
        InputError: Tesseract is chosen and not installed, or it failed.
    """
    image = Image.fromarray(picture)
    engine = choose_engine(choice)
    can_read = engine is not TextSource.NONE and not is_blank(image)
    lines = read_lines(image, engine, timeout_s=PAGE_TIMEOUT_S) if can_read else []
    words = [word for line in lines for word in line]
    boxes = np.array([word.box_px for word in words], np.float64).reshape(-1, 4)
    confidences = np.array([word.confidence for word in words], np.float64)
    return OcrReading(PlacedWords([word.text for word in words], boxes), confidences)
