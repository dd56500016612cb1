"""Draws an explanation: heat over the page, and next to it the words OCR read, coloured by its confidence.

On white paper one colour stands for one error rate on every picture. A legend below the page shows the scale.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from maxsight.lettering import Lettering
from maxsight.quality.features import PageVectors
from maxsight.quality.ocr import OcrReading
from maxsight.types import Floats

PAGE_HEIGHT_PX = 1400
FOOT_PX, MARGIN_PX = 128, 16
SURE, UNSURE = np.array([(38, 139, 80), (214, 39, 40)], np.float32)
_TITLE_PX, _BAR_PX = 12, (54, 74)  # below the page; top and bottom of the bar
_RATES = (0.0, 0.1, 0.25, 0.5, 1.0)
_CONFIDENCES = (0.0, 0.25, 0.5, 0.75, 1.0)
# Hue runs from yellow over red to violet, and opacity grows with the error rate.
_HUES = np.array([(255, 214, 0), (255, 140, 0), (214, 39, 40), (120, 20, 90)], np.float32)
_HUE_AT = (0.0, 0.15, 0.5, 1.0)
_STRONGEST = 0.65
_PAPER, _INK = (255, 255, 255), (32, 33, 36)

Colours = NDArray[np.float32]


def draw_heat(
    picture: NDArray[np.uint8], page: PageVectors, heat: Floats, title: str, rate: str
) -> Image.Image:
    """Draw predicted error rates over a page, from transparent at 0 to violet at 1.

    Args:
        picture: Grey or RGB.
        page: Holds the boxes of the vectors.
        heat: Error rates in [0, 1]. Shape ``(vectors,)``.
        title: Written below the page.
        rate: Name of the error rate for the legend, such as ``CER``.
    """
    base = _scaled(picture)
    plane = np.zeros((base.height, base.width), np.float32)
    for (x0, y0, x1, y1), value in zip(page.boxes, heat, strict=True):
        rows = slice(round(y0 * base.height), round(y1 * base.height))
        plane[rows, round(x0 * base.width) : round(x1 * base.width)] = value
    plane = np.asarray(cv2.GaussianBlur(np.clip(plane, 0, 1), (0, 0), base.height / 160), np.float32)
    marked = Image.fromarray(blend_heat(np.asarray(base, np.float32), plane).astype(np.uint8))

    def on_paper(rates: Colours) -> Colours:
        return blend_heat(np.full((*rates.shape, 3), 255, np.float32), rates)

    return _with_foot(marked, title, f"{rate} expected there", _RATES, on_paper)


def draw_words(picture: NDArray[np.uint8], reading: OcrReading, title: str) -> Image.Image:
    """Frame the words OCR found on a page: green for high confidence, red for low."""
    base = _scaled(picture)
    draw = ImageDraw.Draw(base)
    scale = base.height / picture.shape[0]
    colours = _of_confidence(reading.confidences).astype(int).tolist()
    for box, colour in zip(reading.words.boxes, colours, strict=True):
        draw.rectangle([float(edge) * scale for edge in box], outline=tuple(colour), width=2)
    return _with_foot(base, title, "OCR's confidence", _CONFIDENCES, _of_confidence)


def join_pictures(*pages: Image.Image) -> Image.Image:
    """Join pictures of one height in a row."""
    return Image.fromarray(np.hstack([np.asarray(page) for page in pages]))


def blend_heat(colours: Colours, rates: Floats) -> Colours:
    """Blend the colours of error rates into a picture.

    Args:
        colours: From 0 to 255. Shape ``(..., 3)``.
        rates: From 0 to 1. Shape ``(...)``.
    """
    hue = np.stack([np.interp(rates, _HUE_AT, channel) for channel in _HUES.T], axis=-1)
    cover = _STRONGEST * np.sqrt(rates)[..., None]  # the root makes 0.1 visible
    return np.asarray(colours * (1 - cover) + hue * cover, np.float32)


def _of_confidence(confidences: Floats) -> Colours:
    sure = np.asarray(confidences, np.float32)[..., None]
    return np.asarray(UNSURE * (1 - sure) + SURE * sure, np.float32)


def _scaled(picture: NDArray[np.uint8]) -> Image.Image:
    image = Image.fromarray(picture).convert("RGB")
    width = max(1, round(image.width * PAGE_HEIGHT_PX / image.height))
    return image.resize((width, PAGE_HEIGHT_PX))


def _with_foot(
    page: Image.Image,
    title: str,
    measure: str,
    ticks: Sequence[float],
    colours: Callable[[Colours], Colours],
) -> Image.Image:
    """Add a title and a legend below a page: a bar of all colours from 0 to 1, with some values."""
    sheet = Image.new("RGB", (page.width, page.height + FOOT_PX), _PAPER)
    sheet.paste(page, (0, 0))
    font, small = (Lettering(max(10, min(most, page.width // 34))) for most in (22, 17))
    draw = ImageDraw.Draw(sheet)
    font.write(draw, (MARGIN_PX, page.height + _TITLE_PX), title, _INK)
    left = MARGIN_PX + round(small.length(measure)) + MARGIN_PX
    width = max(1, page.width - left - 2 * MARGIN_PX)
    top, bottom = (page.height + edge for edge in _BAR_PX)
    bar = colours(np.linspace(0, 1, width, dtype=np.float32))
    sheet.paste(Image.fromarray(np.tile(bar.astype(np.uint8), (bottom - top, 1, 1))), (left, top))
    draw.rectangle((left - 1, top - 1, left + width, bottom), outline=_INK)
    small.write(draw, (MARGIN_PX, (top + bottom) // 2), measure, _INK, "lm")
    for tick in ticks:
        at = left + tick * (width - 1)
        draw.line((at, bottom, at, bottom + 6), fill=_INK)
        small.write(draw, (at, bottom + 8), f"{tick:g}", _INK, "ma")
    return sheet
