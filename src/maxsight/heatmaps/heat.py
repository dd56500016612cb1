"""Heat on a page: how much each place answers the query, as a layer or drawn on the page."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from maxsight.types import WHOLE_PAGE

FAINTEST = 0.05  # heat below this is not drawn
WORD_MARGIN_PX = 2
PATCH_BLUR = 0.25  # of a patch's edge: enough to hide the grid, too little to reach over a neighbour
HEAT = ((255, 221, 87), (226, 43, 30))  # from a touch of yellow to red
MAX_MARKER_OPACITY = 0.75  # drawn on the page, as the paper's brightness is known
MAX_LAYER_OPACITY = 0.5  # over an unknown page: half of its contrast stays
DARK = (0.25, 0.45)  # paper below the first is dark, above the second light
BACKDROP_STEP = 8  # the paper's brightness is measured in blocks of so many pixels, to average out ink
BACKDROP_MEDIAN = 5  # and the median of so many blocks is taken, to leave out thick ink


def heat_map(
    boxes: NDArray[np.float32], heat: NDArray[np.float32], size: tuple[int, int], *, smooth: bool = False
) -> NDArray[np.float32]:
    """Spread the vectors' heat over the page.

    Args:
        boxes: Place of each vector of the page. Shape ``(vectors, 4)``, fractions of the page. A box of the whole page
            gets no heat.
        heat: How much of the query stands at each vector. Shape ``(vectors,)``, in [0, 1].
        size: Size of the page's picture, ``width, height`` in pixels.
        smooth: Blur the borders between patches of a grid.

    Returns:
        Shape ``(height, width)``, in [0, 1].
    """
    placed = (boxes != np.array(WHOLE_PAGE, boxes.dtype)).any(axis=1)
    heat, boxes = heat[placed], boxes[placed]
    strength = Image.new("L", size, 0)
    draw = ImageDraw.Draw(strength)
    for vector in heat.argsort():  # the strongest last, on top
        if heat[vector] > FAINTEST:
            box = box_pixels(boxes[vector], size, grow=0 if smooth else WORD_MARGIN_PX)
            draw.rectangle(box, fill=round(255 * float(heat[vector])))
    blur_px = PATCH_BLUR * _typical_edge_px(boxes, size) if smooth and len(boxes) else WORD_MARGIN_PX
    level = np.asarray(strength.filter(ImageFilter.GaussianBlur(blur_px)), np.float32) / 255
    if smooth and level.any():  # smoothing must not make a lone patch fainter
        level *= heat.max() / level.max()
    return np.asarray(level, np.float32)


def heat_layer(level: NDArray[np.float32]) -> Image.Image:
    """Colour a heat map, transparent without heat. RGBA."""
    shades = np.linspace(0, 1, 256, dtype=np.float32)
    opacity = 255 * MAX_LAYER_OPACITY * np.sqrt(shades)[:, None]
    colours = np.concatenate([_colours(shades), opacity], axis=1).round().astype(np.uint8)
    return Image.fromarray(colours[np.rint(255 * level).astype(np.uint8)])


def mark(page: Image.Image, level: NDArray[np.float32]) -> Image.Image:
    """Lay translucent colour over a page, like a marker, so that the text stays readable.

    The colour darkens light paper, which keeps black ink black. It lightens dark paper, which keeps white ink white.
    """
    marked = np.array(page.convert("RGB"))
    warm = level > 0
    paper = marked[warm].astype(np.float32)  # (pixels, 3)
    opacity = MAX_MARKER_OPACITY * np.sqrt(level[warm])[:, None]
    colour = _colours(level[warm]) / 255
    darkened = paper * (1 - opacity * (1 - colour))
    lightened = paper + (255 - paper) * opacity * colour
    mixed = darkened + _darkness(page)[warm][:, None] * (lightened - darkened)
    marked[warm] = np.clip(mixed, 0, 255).astype(np.uint8)
    return Image.fromarray(marked)


def box_pixels(
    box: Sequence[float] | NDArray[np.float32], size: tuple[int, int], grow: int
) -> tuple[float, float, float, float]:
    """Convert a box to pixels of a picture of ``size``, with ``grow`` more on every side, within the picture."""
    width, height = size
    x0, y0, x1, y1 = (float(edge) for edge in box)
    return (
        max(0.0, x0 * width - grow),
        max(0.0, y0 * height - grow),
        min(width - 1.0, x1 * width + grow),
        min(height - 1.0, y1 * height + grow),
    )


def _colours(level: NDArray[np.float32]) -> NDArray[np.float32]:
    """Shape ``(levels, 3)``, in [0, 255]."""
    low, high = (np.array(colour, dtype=np.float32) for colour in HEAT)
    return np.asarray(low + (high - low) * level[:, None], np.float32)


def _darkness(page: Image.Image) -> NDArray[np.float32]:
    """How dark the paper below the ink is. Shape ``(height, width)``, 0 for light and 1 for dark."""
    blocks = page.convert("L").reduce(BACKDROP_STEP).filter(ImageFilter.MedianFilter(BACKDROP_MEDIAN))
    backdrop = blocks.resize(page.size, Image.Resampling.BILINEAR)
    dark, light = DARK
    darkness = (light - np.asarray(backdrop, np.float32) / 255) / (light - dark)
    return np.asarray(np.clip(darkness, 0, 1), np.float32)


def _typical_edge_px(boxes: NDArray[np.float32], size: tuple[int, int]) -> float:
    edges = (boxes[:, 2:] - boxes[:, :2]) * np.array(size)
    return float(np.median(np.sqrt(edges.prod(axis=1))))
