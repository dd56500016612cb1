"""Pictures to words: chooses the OCR engine, and finds out whether the page is upside down.

The engines are `tesseract` (a program) and `rapid` (a Python package). Each reads lines of words in reading order.
"""

from __future__ import annotations

import shutil
import unicodedata

import numpy as np
from PIL import Image

from maxsight.documents.base import OcrChoice, ReadSettings
from maxsight.documents.cleaning import NOTHING_READ, Lines, Reading, join_words
from maxsight.documents.geometry import clip_boxes, rotate_boxes
from maxsight.errors import InputError
from maxsight.types import TextSource

# Below this mean confidence a page is read upside down too. Measured on a letter and a table, upright and upside down:
# tesseract 0.95 and 0.30, RapidOCR 0.99 and 0.67. Both read pages rotated by 90 degrees.
MIN_CONFIDENCE = {TextSource.TESSERACT: 0.6, TextSource.RAPIDOCR: 0.85}


def choose_engine(choice: OcrChoice) -> TextSource:
    """Choose the engine on this machine.

    Raises:
        InputError: Tesseract is asked for and not installed.
    """
    if choice is OcrChoice.NONE:
        return TextSource.NONE
    if choice is OcrChoice.RAPIDOCR:
        return TextSource.RAPIDOCR
    if shutil.which("tesseract"):
        return TextSource.TESSERACT
    if choice is OcrChoice.TESSERACT:
        raise InputError(
            "tesseract is asked for and not installed",
            hint="Install it (Debian: apt install tesseract-ocr; macOS: brew install tesseract), "
            "or choose --ocr rapidocr, which needs nothing more.",
        )
    return TextSource.RAPIDOCR


def is_blank(image: Image.Image) -> bool:
    """Say whether a picture has only one colour."""
    return all(low == high for low, high in np.atleast_2d(image.getextrema()))


def read_image(image: Image.Image, settings: ReadSettings) -> Reading:
    """Read the words of a picture (RGB), also if it is upside down.

    Raises:
        InputError: Tesseract is asked for and not installed, or it failed.
    """
    engine = choose_engine(settings.ocr)
    if engine is TextSource.NONE or is_blank(image):
        return NOTHING_READ
    timeout_s = settings.limits.page_timeout_s
    lines = read_lines(image, engine, timeout_s=timeout_s)
    if lines and _confidence_of(lines) < MIN_CONFIDENCE[engine]:
        rotated = image.transpose(Image.Transpose.ROTATE_180)
        rotated_lines = read_lines(rotated, engine, timeout_s=timeout_s)
        if _confidence_of(rotated_lines) > _confidence_of(lines):
            return _as_reading(rotated_lines, image, engine, degrees=180)
    return _as_reading(lines, image, engine, degrees=0)


def read_lines(image: Image.Image, engine: TextSource, *, timeout_s: float) -> Lines:
    """Read a picture without rotating it.

    Args:
        image: Grey or RGB.
        engine: From ``choose_engine``.
        timeout_s: Limit for tesseract. RapidOCR runs in this process, so it has none.

    Raises:
        InputError: Tesseract failed.
    """
    # Imported here: RapidOCR imports onnxruntime and OpenCV, which a PDF with text does not need.
    if engine is TextSource.TESSERACT:
        from maxsight.documents.ocr import tesseract

        return tesseract.read_lines(image, timeout_s=timeout_s)
    from maxsight.documents.ocr import rapid

    return rapid.read_lines(image)


def _as_reading(lines: Lines, image: Image.Image, engine: TextSource, *, degrees: int) -> Reading:
    """Convert words that were read after a rotation by ``degrees`` (0 or 180) to places on the picture."""
    lines = [[word for word in line if not _is_drawing(word.text)] for line in lines]
    words = [word for line in lines for word in line]
    starts_line = [index == 0 for line in lines for index in range(len(line))]
    boxes_px = np.array([word.box_px for word in words], dtype=np.float64).reshape(-1, 4)
    boxes = clip_boxes(rotate_boxes(boxes_px / [*image.size, *image.size], degrees))
    return join_words([word.text for word in words], starts_line, boxes, engine)


def _is_drawing(text: str) -> bool:
    """Say whether an engine took a shape, such as a filled square, for a character."""
    return all(unicodedata.category(character) == "So" for character in text)


def _confidence_of(lines: Lines) -> float:
    """Compute the mean confidence over characters; 0 without any."""
    words = [word for line in lines for word in line]
    characters = sum(len(word.text) for word in words)
    return sum(word.confidence * len(word.text) for word in words) / characters if characters else 0.0
