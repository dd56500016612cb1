"""A poster and a photographed whiteboard, drawn with Pillow."""

from __future__ import annotations

from math import sin

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from sample_set.shapes import blade

SCALE = 2  # drawn twice as large, then reduced, for smooth edges


def poster() -> Image.Image:
    """Draw the poster of an open day: 900 x 1270 pixels, few colors."""
    width, height = 900 * SCALE, 1270 * SCALE
    image = Image.new("RGB", (width, height), (244, 190, 120))
    draw = ImageDraw.Draw(image)
    bands = ((94, 150, 180), (138, 180, 190), (188, 205, 190), (232, 214, 170), (246, 200, 132))
    for number, color in enumerate(bands):
        draw.rectangle((0, height * number * 0.12, width, height), fill=color)
    draw.ellipse(_box(690, 560, 95), fill=(252, 236, 190))
    for x, base, tall, turn in ((120, 800, 300, 20), (300, 800, 250, 75), (800, 800, 280, 95)):
        _turbine(draw, x, base, tall, turn)
    _ridge(draw, 740, (120, 158, 160), 0.5, width, height)
    _ridge(draw, 800, (66, 116, 122), 2.2, width, height)
    _turbine(draw, 540, 900, 450, 52)
    _ridge(draw, 900, (28, 58, 84), 4.0, width, height)
    white, dark, sun = (255, 255, 255), (23, 48, 77), (250, 212, 120)
    for y, text, size, color in (
        (60, "OPEN DAY", 118, white), (196, "at the Gannet Head wind farm", 47, dark),
        (960, "Saturday 14 June 2025", 58, sun), (1036, "10:00 to 16:00, free of charge", 40, white),
        (1096, "Climb turbine G3 with a guide (age 12 and over)", 31, white),
        (1138, "Ferry from Port Hallin every 40 minutes", 31, white),
        (1180, "Fish soup, fiddle music and a kite contest at 14:00", 31, white),
    ):  # fmt: skip
        _centred(draw, width / 2, y * SCALE, text, size * SCALE, color)
    small = image.resize((900, 1270), Image.Resampling.LANCZOS)
    return small.quantize(64, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)


def whiteboard() -> Image.Image:
    """Draw a whiteboard after a planning meeting, photographed from one side: 1400 x 950 pixels."""
    board = Image.new("RGB", (1400 * SCALE, 900 * SCALE), (246, 248, 248))
    draw = ImageDraw.Draw(board)
    blue, red, green, black = (30, 70, 150), (185, 40, 40), (30, 120, 70), (40, 44, 50)
    lines = (
        (70, 50, "Peat Hill repowering - plan", 64, blue),
        (70, 170, "Feb-Jul   no crane (sea eagles!)", 46, red),
        (70, 250, "Aug   road + foundation, 480 m3 concrete", 46, black),
        (70, 330, "Sep   tower in 4 sections", 46, black),
        (70, 410, "Oct   blades by barge, needs wind < 9 m/s", 46, black),
        (70, 490, "Nov   grid test 72 h", 46, black),
        (70, 620, "Budget  5.9 M", 56, green),
        (70, 710, "crane 0.74 M   cable 0.41 M", 44, green),
        (900, 620, "TODO", 52, red),
        (900, 700, "Torvald: barge quote", 42, black),
        (900, 765, "Ailsa: school nacelle", 42, black),
    )
    for x, y, text, size, color in lines:
        draw.text((x * SCALE, y * SCALE), text, font=ImageFont.load_default(size * SCALE), fill=color)
    draw.line(_points((70, 139), (880, 134)), fill=blue, width=6 * SCALE)
    draw.rectangle(_points((870, 600), (1360, 840)), outline=red, width=5 * SCALE)
    _turbine(draw, 1180, 540, 330, 15, blue)
    return _photographed(board.resize((1400, 900), Image.Resampling.LANCZOS))


def _photographed(board: Image.Image) -> Image.Image:
    """Hang the board on a wall and look at it from one side, with a lamp above and camera noise."""
    wall = Image.new("RGB", (1400, 950), (176, 168, 156))
    framed = Image.new("RGB", (1440, 940), (120, 124, 128))
    framed.paste(board, (20, 20))
    corners = (0, 0, 0, 940, 1440, 940, 1440, 0)
    seen = ((52, 38), (70, 902), (1352, 868), (1338, 74))
    source = [(corners[2 * n], corners[2 * n + 1]) for n in range(4)]
    coefficients = _perspective(seen, source)
    mask = Image.new("L", framed.size, 255)
    size = wall.size
    flat = framed.transform(size, Image.Transform.PERSPECTIVE, coefficients, Image.Resampling.BICUBIC)
    shape = mask.transform(size, Image.Transform.PERSPECTIVE, coefficients, Image.Resampling.BICUBIC)
    wall.paste((96, 90, 82), (10, 14), shape.filter(ImageFilter.GaussianBlur(9)))
    wall.paste(flat, (0, 0), shape)
    pixels = np.asarray(wall.filter(ImageFilter.GaussianBlur(0.6)), dtype=np.float32)  # (height, width, 3)
    rows, cols = np.mgrid[0:950, 0:1400].astype(np.float32)
    light = 1.04 - 0.24 * np.hypot((cols - 900) / 1400, (rows - 150) / 950)
    grain = np.random.default_rng(7).normal(0, 2.5, pixels.shape)
    return Image.fromarray(np.clip(pixels * light[..., None] + grain, 0, 255).astype(np.uint8))


def _perspective(seen: tuple[tuple[int, int], ...], source: list[tuple[int, int]]) -> tuple[float, ...]:
    """Solve for the eight coefficients that map seen corners back to the source, as Pillow wants them."""
    rows = []
    for (x, y), (u, v) in zip(seen, source, strict=True):
        rows.append((x, y, 1, 0, 0, 0, -u * x, -u * y))
        rows.append((0, 0, 0, x, y, 1, -v * x, -v * y))
    return tuple(np.linalg.solve(np.array(rows, float), np.array(source, float).ravel()).tolist())


def _points(*points: tuple[float, float]) -> list[tuple[float, float]]:
    return [(x * SCALE, y * SCALE) for x, y in points]


def _box(x: float, y: float, radius: float) -> list[tuple[float, float]]:
    return _points((x - radius, y - radius), (x + radius, y + radius))


def _centred(
    draw: ImageDraw.ImageDraw, x: float, y: float, text: str, size: float, color: tuple[int, int, int]
) -> None:
    draw.text((x, y), text, font=ImageFont.load_default(size), fill=color, anchor="ma")


def _ridge(
    draw: ImageDraw.ImageDraw, top: float, color: tuple[int, int, int], phase: float, width: int, height: int
) -> None:
    line = [
        (x, SCALE * (top + 34 * sin(x / SCALE / 150 + phase) + 12 * sin(x / SCALE / 57 + 2 * phase)))
        for x in range(0, width + 8, 8)
    ]
    draw.polygon([(0, height), *line, (width, height)], fill=color)


def _turbine(
    draw: ImageDraw.ImageDraw, x: float, base: float, height: float, turn: float,
    color: tuple[int, int, int] = (255, 255, 255),
) -> None:  # fmt: skip
    hub, foot = base - height, height * 0.022
    draw.polygon(
        _points((x - foot, base), (x + foot, base), (x + foot / 2, hub), (x - foot / 2, hub)), fill=color
    )
    for third in range(3):
        draw.polygon(_points(*blade(x, hub, height * 0.6, turn + 120 * third)), fill=color)
    draw.ellipse(_box(x, hub, height * 0.028), fill=color)
