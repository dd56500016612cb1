"""What an OCR engine reads on a grey picture, with its own confidence: the side of the labels that is measured."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from maxsight.documents.base import OcrChoice
from maxsight.documents.ocr.choosing import choose_engine, is_blank, read_lines
from maxsight.quality.labels import PlacedWords
from maxsight.types import TextSource

PAGE_TIMEOUT_S = 120.0


@dataclass(frozen=True, slots=True, eq=False)
class OcrReading:
    """What an engine read.

    Attributes:
        words: In the engine's order, boxes in pixels of the picture.
        confidences: The engine's own, from 0 to 1. Shape ``(words,)``.
    """

    words: PlacedWords
    confidences: NDArray[np.float64]

    @property
    def confidence(self) -> float:
        """Mean over words; 0 where none was found."""
        return float(self.confidences.mean()) if len(self.confidences) else 0.0

    @property
    def text(self) -> str:
        """The words in the engine's order."""
        return " ".join(self.words.texts)


def read_picture(picture: NDArray[np.uint8], choice: OcrChoice) -> OcrReading:
    """Read a picture, grey or RGB, as it stands: a page on its head is not turned.

    Raises:
        InputError: Tesseract is asked for and not installed, or it failed.
    """
    image = Image.fromarray(picture)
    engine = choose_engine(choice)
    is_read = engine is not TextSource.NONE and not is_blank(image)
    lines = read_lines(image, engine, timeout_s=PAGE_TIMEOUT_S) if is_read else []
    words = [word for line in lines for word in line]
    boxes = np.array([word.box_px for word in words], np.float64).reshape(-1, 4)
    confidences = np.array([word.confidence for word in words], np.float64)
    return OcrReading(PlacedWords([word.text for word in words], boxes), confidences)
