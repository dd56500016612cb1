"""Damage that changes grey levels and leaves the ink where it is.

Each function takes levels (0 black, 255 white), a severity from 0 to 1 and a seeded generator. It may leave [0, 255].
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Levels = NDArray[np.float32]
Random = np.random.Generator


def _sensor_noise(shape: tuple[int, ...], deviation: float, random: Random) -> Levels:
    return random.standard_normal(shape, np.float32) * np.float32(deviation)


def _cloud(shape: tuple[int, ...], cell_px: int, random: Random) -> Levels:
    """Draw a smooth random field in [0, 1] with features about ``cell_px`` wide."""
    rows, cols = (max(2, -(-side // cell_px)) for side in shape)
    field = cv2.resize(random.random((rows, cols), np.float32), shape[::-1], interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.clip(field, 0, 1))


def blur(levels: Levels, severity: float, random: Random) -> Levels:
    """Blur as a lens out of focus does."""
    return np.asarray(cv2.GaussianBlur(levels, (0, 0), 0.6 + 2.9 * severity))


def motion(levels: Levels, severity: float, random: Random) -> Levels:
    """Smear along a line, as a moving camera does."""
    length, angle = 2 + 9 * severity, random.uniform(0, np.pi)
    centre = int(np.ceil(length))
    kernel = np.zeros((2 * centre + 1, 2 * centre + 1), np.float32)
    along = np.linspace(-length / 2, length / 2, int(8 * length))
    rows = np.rint(centre + along * np.sin(angle)).astype(int)
    cols = np.rint(centre + along * np.cos(angle)).astype(int)
    np.add.at(kernel, (rows, cols), 1)
    return np.asarray(cv2.filter2D(levels, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REPLICATE))


def noise(levels: Levels, severity: float, random: Random) -> Levels:
    """Add the noise of a sensor in little light."""
    return np.asarray(
        cv2.GaussianBlur(levels, (0, 0), 0.5) + _sensor_noise(levels.shape, 6 + 74 * severity, random)
    )


def salt_pepper(levels: Levels, severity: float, random: Random) -> Levels:
    """Set single pixels to black or white."""
    share = 0.002 + 0.08 * severity**2
    drawn = random.random(levels.shape, np.float32)
    levels[drawn < share / 2] = 0
    levels[drawn > 1 - share / 2] = 255
    return levels


def contrast(levels: Levels, severity: float, random: Random) -> Levels:
    """Bring ink and paper near one grey, under the noise of a sensor."""
    kept = 0.5 * (1 - severity) + 0.015
    middle = random.uniform(40, 200)
    return middle + (levels - 128) * kept + _sensor_noise(levels.shape, 2 + 2 * severity, random)


def brightness(levels: Levels, severity: float, random: Random) -> Levels:
    """Expose far too much or too little: what leaves the sensor's range is lost."""
    noisy = levels + _sensor_noise(levels.shape, 8 + 16 * severity, random)
    if random.random() < 0.5:
        return 255 - (255 - noisy) * (1 - 0.9 * severity) + 60 * severity
    return noisy * (1 - 0.9 * severity) - 10 * severity


def fading(levels: Levels, severity: float, random: Random) -> Levels:
    """Fade ink in places: first the edges of strokes, then the strokes."""
    gone = np.clip(severity * 1.2 * (0.4 + 0.8 * _cloud(levels.shape, 120, random)), 0, 0.98)
    thinned = cv2.dilate(levels, np.ones((2, 2), np.uint8))
    thin = np.clip(2 * gone, 0, 1)
    ink = 255 - (thin * thinned + (1 - thin) * levels)
    patchy = ink * (1 - gone) * (1 - gone * (random.random(levels.shape, np.float32) < 0.35))
    return np.asarray(250 - patchy + _sensor_noise(levels.shape, 3, random))


def shadow(levels: Levels, severity: float, random: Random) -> Levels:
    """Darken one side, with a soft edge at any angle."""
    height, width = levels.shape
    rows, cols = np.mgrid[0:height, 0:width].astype(np.float32) / max(height, width)
    angle = random.uniform(0, 2 * np.pi)
    across = np.cos(angle) * (cols - 0.5) + np.sin(angle) * (rows - 0.5)
    edge = 1 / (1 + np.exp(-(across - random.uniform(-0.25, 0.25)) * random.uniform(6, 40)))
    shaded = levels * (1 - (0.3 + 0.67 * severity) * edge)
    return np.asarray(shaded + _sensor_noise(levels.shape, 3 + 9 * severity, random))


def stains(levels: Levels, severity: float, random: Random) -> Levels:
    """Lay dark round stains over the page."""
    height, width = levels.shape
    rows, cols = np.mgrid[0:height, 0:width].astype(np.float32)
    scale = max(height, width) / 1650
    for _ in range(int(3 + 12 * severity)):
        x, y = random.uniform(0, width), random.uniform(0, height)
        radius = random.uniform(40, 220) * scale
        distance = ((cols - x) ** 2 + (rows - y) ** 2) / radius**2
        levels = levels * (1 - (0.25 + 0.72 * severity) * np.exp(-(distance**2)))
    return levels + _sensor_noise(levels.shape, 2 + 6 * severity, random)


def bleed_through(levels: Levels, severity: float, random: Random) -> Levels:
    """Let the page itself, mirrored, show through as the back of the sheet."""
    back = cv2.GaussianBlur(cv2.flip(levels, 1), (0, 0), 1.2 - 0.5 * severity)
    return np.asarray(np.minimum(levels, 255 - (255 - back) * (0.25 + 0.65 * severity)))


def jpeg(levels: Levels, severity: float, random: Random) -> Levels:
    """Save twice with coarse steps and the blocks elsewhere the second time, like a copy of a copy."""
    picture = levels.astype(np.uint8)
    quality = round(30 - 28 * severity)
    for _ in range(2):
        down, right = (int(shift) for shift in random.integers(0, 8, 2))
        moved = np.roll(picture, (down, right), axis=(0, 1))
        _, coded = cv2.imencode(".jpg", moved, [cv2.IMWRITE_JPEG_QUALITY, quality])
        decoded = np.asarray(cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE), np.uint8)
        picture = np.roll(decoded, (-down, -right), axis=(0, 1))
    return picture.astype(np.float32)
