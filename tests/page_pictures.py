"""Pictures of pages for tests, with the words they show and where."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFont

SENTENCE = (
    "Net sales rose by four percent to 1234 million dollars in fiscal 2023 while operating costs fell again"
)


def page_picture(
    width: int = 1000,
    height: int = 1300,
    *,
    size: int = 22,
    ink: int = 0,
    paper: int = 255,
    lines: int | None = None,
) -> np.ndarray:
    """Grey picture of a page full of text. Shape ``(height, width)``, uint8."""
    image = Image.new("L", (width, height), paper)
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(size)
    step = round(size * 1.6)
    tops = list(range(step, height - 2 * step, step))[:lines]
    for number, top in enumerate(tops):
        words = SENTENCE.split()
        words = words[number % len(words) :] + words[: number % len(words)]
        text, kept = " ".join(words), len(words)
        while draw.textlength(text, font=font) > width - 2 * step:
            kept -= 1
            text = " ".join(words[:kept])
        draw.text((step, top), text, font=font, fill=ink)
    return np.asarray(image).copy()
