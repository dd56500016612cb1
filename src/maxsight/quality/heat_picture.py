"""The picture of an explanation: heat over the page, and beside it what OCR read, coloured by its confidence."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from maxsight.quality.features import PageVectors
from maxsight.quality.ocr import OcrReading

PAGE_HEIGHT_PX = 1400
LEGEND_PX = 70
COLD, HOT = (38, 139, 80), (214, 39, 40)
_STRONGEST = 0.6
_PAPER, _INK = (255, 255, 255), (32, 33, 36)


def draw_heat(
    picture: NDArray[np.uint8], page: PageVectors, heat: NDArray[np.float64], title: str
) -> Image.Image:
    """Lay predicted error rates over a page, from nothing at 0 to red at 1.

    Args:
        picture: Grey or RGB.
        page: The vectors' boxes.
        heat: In [0, 1]. Shape ``(vectors,)``.
        title: Shown below.
    """
    base = _scaled(picture)
    plane = np.zeros((base.height, base.width), np.float32)
    for (x0, y0, x1, y1), value in zip(page.boxes, heat, strict=True):
        rows = slice(round(y0 * base.height), round(y1 * base.height))
        plane[rows, round(x0 * base.width) : round(x1 * base.width)] = value
    plane = np.asarray(cv2.GaussianBlur(np.clip(plane, 0, 1), (0, 0), base.height / 160), np.float32)
    strength = (_STRONGEST * plane)[:, :, None]
    mixed = np.asarray(base, np.float32) * (1 - strength) + np.array(HOT, np.float32) * strength
    return _with_title(Image.fromarray(mixed.astype(np.uint8)), title)


def draw_words(picture: NDArray[np.uint8], reading: OcrReading, title: str) -> Image.Image:
    """Outline the words OCR found on a page: green where the engine is sure, red where it is not."""
    base = _scaled(picture)
    draw = ImageDraw.Draw(base)
    scale = base.height / picture.shape[0]
    for box, sure in zip(reading.words.boxes, reading.confidences, strict=True):
        colour = tuple(round(hot + (cold - hot) * float(sure)) for hot, cold in zip(HOT, COLD, strict=True))
        draw.rectangle([float(edge) * scale for edge in box], outline=colour, width=2)
    return _with_title(base, title)


def side_by_side(*pages: Image.Image) -> Image.Image:
    """Put pictures of one height next to each other."""
    sheet = Image.new("RGB", (sum(page.width for page in pages), max(page.height for page in pages)), _PAPER)
    left = 0
    for page in pages:
        sheet.paste(page, (left, 0))
        left += page.width
    return sheet


def _scaled(picture: NDArray[np.uint8]) -> Image.Image:
    image = Image.fromarray(picture).convert("RGB")
    width = max(1, round(image.width * PAGE_HEIGHT_PX / image.height))
    return image.resize((width, PAGE_HEIGHT_PX))


def _with_title(page: Image.Image, title: str) -> Image.Image:
    sheet = Image.new("RGB", (page.width, page.height + LEGEND_PX), _PAPER)
    sheet.paste(page, (0, 0))
    font = ImageFont.load_default(max(12, min(24, page.width // 34)))
    ImageDraw.Draw(sheet).text((16, page.height + 20), title, font=font, fill=_INK)
    return sheet
