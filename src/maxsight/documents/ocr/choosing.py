"""Pictures to words: chooses the OCR engine, and finds out whether the page is upside down.

The engines are `tesseract` (a program) and `rapid` (a Python package). Each reads lines of words in reading order.
"""

from __future__ import annotations

import shutil
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from PIL import Image

from maxsight.documents.base import NO_WORDS, OcrChoice, ReadSettings
from maxsight.documents.cleaning import Lines, OcrWord, Reading, confidence_of, join_words
from maxsight.documents.geometry import clip_boxes
from maxsight.documents.ocr.reading_order import Box, reading_order
from maxsight.documents.ocr.tiles import read_in_tiles
from maxsight.errors import InputError
from maxsight.types import TextSource, Words

# Below this mean confidence a page is read upside down too. Measured on a letter and a table, upright and upside down:
# tesseract 0.95 and 0.30, RapidOCR 0.99 and 0.67. Both read pages rotated by 90 degrees.
MIN_CONFIDENCE = {TextSource.TESSERACT: 0.6, TextSource.RAPIDOCR: 0.85}
# Tesseract reads at most 32,767 pixels a side. RapidOCR shrinks what is larger than `SIDE_PX`.
TESSERACT_SIDE_PX = 10_000
MAX_SHRINKING = 1.25


def choose_engine(choice: OcrChoice) -> TextSource:
    """Choose the engine on this machine.

    Raises:
        InputError: Tesseract is asked for and not installed.
    """
    if choice is OcrChoice.NEVER:
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


def check_ocr(settings: ReadSettings) -> None:
    """Refuse an engine or a language that is not installed.

    Raises:
        InputError: It says which, and how to install it.
    """
    engine = choose_engine(settings.ocr)
    if settings.ocr_languages:
        from maxsight.documents.ocr.languages import check_languages

        if engine is not TextSource.TESSERACT:
            raise InputError(
                "only tesseract can be told languages; RapidOCR reads Chinese and Latin letters",
                hint="Install it (Debian: apt install tesseract-ocr), or leave out --ocr-language.",
            )
        check_languages(settings.ocr_languages)


def is_blank(image: Image.Image) -> bool:
    """Say whether a picture has only one colour."""
    return all(low == high for low, high in np.atleast_2d(image.getextrema()))


def name_unread(words: Words, settings: ReadSettings, draw: Callable[[], Image.Image]) -> tuple[str, ...]:
    """Say if OCR was allowed to read a page that shows something, and the page has no words all the same."""
    if settings.ocr is OcrChoice.NEVER or len(words) or is_blank(draw()):
        return ()
    return (NO_WORDS,)


def read_image(image: Image.Image, settings: ReadSettings) -> Reading:
    """Read the words of a picture (RGB), also if it is upside down.

    Raises:
        InputError: Tesseract is asked for and not installed, or it failed.
    """
    lines = read_upright(image, settings)
    words = [word for line in lines for word in line]
    starts_line = [index == 0 for line in lines for index in range(len(line))]
    boxes_px = np.array([word.box_px for word in words], dtype=np.float64).reshape(-1, 4)
    boxes = clip_boxes(boxes_px / [*image.size, *image.size])
    return join_words([word.text for word in words], starts_line, boxes, choose_engine(settings.ocr))


def read_upright(image: Image.Image, settings: ReadSettings, *, script: str | None = None) -> Lines:
    """Read the lines of a picture (RGB), also if it is upside down.

    Args:
        image: The picture.
        settings: Which engine reads, in which languages.
        script: The script of the text around the picture, if that is known.

    Raises:
        InputError: Tesseract is asked for and not installed, or it failed.
    """
    engine = choose_engine(settings.ocr)
    if engine is TextSource.NONE or is_blank(image):
        return []

    def read(picture: Image.Image) -> Lines:
        timeout_s = settings.limits.page_timeout_s
        return read_lines(
            picture, engine, timeout_s=timeout_s, languages=settings.ocr_languages, script=script
        )

    lines = read(image)
    if lines and confidence_of(lines) < MIN_CONFIDENCE[engine]:
        turned = read(image.transpose(Image.Transpose.ROTATE_180))
        if confidence_of(turned) > confidence_of(lines):
            lines = [[_turned(word, image.size) for word in line] for line in turned]
    lines = [[word for word in line if not _is_drawing(word.text)] for line in lines]
    return [line for line in lines if line]


def read_lines(
    image: Image.Image,
    engine: TextSource,
    *,
    timeout_s: float,
    languages: Sequence[str] = (),
    script: str | None = None,
) -> Lines:
    """Read a picture without rotating it, in tiles where it is large.

    Args:
        image: Grey or RGB.
        engine: From ``choose_engine``.
        timeout_s: Limit for tesseract. RapidOCR runs in this process, so it has none.
        languages: What tesseract reads in; those of the picture's script unless given.
        script: The script to expect, or None.

    Raises:
        InputError: Tesseract failed.
    """
    # Imported here: RapidOCR imports onnxruntime, which a PDF with text does not need.
    if engine is TextSource.TESSERACT:
        from maxsight.documents.ocr.languages import read_lines as read_in_script

        read = partial(read_in_script, languages=languages, script=script, timeout_s=timeout_s)
        if max(image.size) <= TESSERACT_SIDE_PX:
            return read(image)
        lines = read_in_tiles(image, read, TESSERACT_SIDE_PX)
    else:
        from maxsight.documents.ocr import rapid

        if max(image.size) <= MAX_SHRINKING * rapid.SIDE_PX:
            lines = rapid.read_lines(image)
        else:
            lines = read_in_tiles(image, rapid.read_lines, rapid.SIDE_PX)
    return [lines[index] for index in reading_order([_bounds(line) for line in lines])]


def _bounds(line: list[OcrWord]) -> Box:
    x0, y0, x1, y1 = zip(*(word.box_px for word in line), strict=True)
    return min(x0), min(y0), max(x1), max(y1)


def _turned(word: OcrWord, size: tuple[int, int]) -> OcrWord:
    """Turn a word by 180 degrees with its picture."""
    (width, height), (x0, y0, x1, y1) = size, word.box_px
    return replace(word, box_px=(width - x1, height - y1, width - x0, height - y0))


def _is_drawing(text: str) -> bool:
    """Say whether an engine took a shape, such as a filled square, for a character."""
    return all(unicodedata.category(character) == "So" for character in text)
