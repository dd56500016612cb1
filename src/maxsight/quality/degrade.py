"""Pages made worse on purpose, each in a way that scanners, copiers and cameras know.

A degradation takes a grey picture (0 black, 255 white), a severity in (0, 1] and a seeded generator; the same three
give the same pixels. Those that move the ink also say where each point came from, so that the words an OCR engine
finds can be compared with the words that were there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from maxsight.errors import InputError

Grey = NDArray[np.uint8]
Levels = NDArray[np.float32]
Points = NDArray[np.floating[Any]]
Random = np.random.Generator

CLEAN = "clean"
MIXED = "mixed"
# The parts of a mixture are each weaker: two at full strength leave nothing to read.
MIXTURE_STRENGTH = 0.7


class Degradation(StrEnum):
    """One way for a page to be hard to read."""

    BLUR = "blur"
    MOTION = "motion"
    NOISE = "noise"
    SALT_PEPPER = "salt-pepper"
    JPEG = "jpeg"
    LOW_RESOLUTION = "low-resolution"
    CONTRAST = "contrast"
    BRIGHTNESS = "brightness"
    FADING = "fading"
    SHADOW = "shadow"
    STAINS = "stains"
    BLEED_THROUGH = "bleed-through"
    SKEW = "skew"
    WARP = "warp"


@dataclass(frozen=True, slots=True, eq=False)
class Degraded:
    """A page after its degradation.

    Attributes:
        picture: Shape ``(height, width)``, uint8; smaller than the original after a loss of resolution.
        to_source: Where points ``x, y`` of ``picture`` were in the original, in pixels. Shape ``(points, 2)``.
    """

    picture: Grey
    to_source: Callable[[Points], Points]


def degrade(picture: Grey, name: str, severity: float, seed: int, *, behind: Grey | None = None) -> Degraded:
    """Make a page worse.

    Args:
        picture: The page. Shape ``(height, width)``.
        name: ``clean``, the name of a `Degradation`, or several joined by ``+``, applied in that order.
        severity: From just noticeable, 0, to the worst that is still found in archives, 1.
        seed: Of everything random in it.
        behind: The page on the back of the sheet, for bleed-through; the page itself if not given.

    Raises:
        InputError: There is no such degradation, or the severity is not in [0, 1].
    """
    if not 0 <= severity <= 1:
        raise InputError(f"a severity lies in [0, 1], got {severity}")
    random = np.random.default_rng(seed)
    parts = parts_of(name)
    if len(parts) > 1:
        severity *= MIXTURE_STRENGTH
    steps: list[Callable[[Points], Points]] = []
    for part in parts:
        picture, to_source = _apply(part, picture, severity, random, picture if behind is None else behind)
        steps.append(to_source)

    def back(points: Points) -> Points:
        for step in reversed(steps):
            points = step(points)
        return points

    return Degraded(picture, back)


def parts_of(name: str) -> tuple[Degradation, ...]:
    """Take the name of a degradation or mixture apart; ``clean`` has no parts.

    Raises:
        InputError: There is no such degradation.
    """
    if name == CLEAN:
        return ()
    try:
        return tuple(Degradation(part) for part in name.split("+"))
    except ValueError as error:
        raise InputError(
            f"no degradation is called {name!r}", hint=f"There are {', '.join((CLEAN, *Degradation))}."
        ) from error


def kind_of(name: str) -> str:
    """``clean``, the degradation's own name, or ``mixed``."""
    return MIXED if len(parts_of(name)) > 1 else name


def draw_mixture(random: Random, kinds: Iterable[Degradation] = Degradation) -> str:
    """Name two different degradations drawn at random, joined by ``+``."""
    return "+".join(random.choice([kind.value for kind in kinds], 2, replace=False))


def _apply(
    kind: Degradation, picture: Grey, severity: float, random: Random, behind: Grey
) -> tuple[Grey, Callable[[Points], Points]]:
    if kind in _MOVING:
        return _MOVING[kind](picture, severity, random)
    if kind is Degradation.JPEG:
        return _jpeg(picture, severity, random), _stay
    levels = picture.astype(np.float32)
    if kind is Degradation.BLEED_THROUGH:
        return _to_grey(_bleed_through(levels, severity, behind)), _stay
    return _to_grey(_LEVELS[kind](levels, severity, random)), _stay


def _stay(points: Points) -> Points:
    return points


def _to_grey(levels: Levels) -> Grey:
    return np.clip(levels, 0, 255).astype(np.uint8)


def _sensor_noise(shape: tuple[int, ...], deviation: float, random: Random) -> Levels:
    return random.standard_normal(shape, np.float32) * np.float32(deviation)


def _cloud(shape: tuple[int, ...], cell_px: int, random: Random) -> Levels:
    """A smooth random field in [0, 1] whose features are about ``cell_px`` wide."""
    rows, cols = (max(2, -(-side // cell_px)) for side in shape)
    field = cv2.resize(random.random((rows, cols), np.float32), shape[::-1], interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.clip(field, 0, 1))


def _blur(levels: Levels, severity: float, random: Random) -> Levels:
    return np.asarray(cv2.GaussianBlur(levels, (0, 0), 0.6 + 2.9 * severity))


def _motion(levels: Levels, severity: float, random: Random) -> Levels:
    length, angle = 2 + 9 * severity, random.uniform(0, np.pi)
    centre = int(np.ceil(length))
    kernel = np.zeros((2 * centre + 1, 2 * centre + 1), np.float32)
    along = np.linspace(-length / 2, length / 2, int(8 * length))
    rows = np.rint(centre + along * np.sin(angle)).astype(int)
    cols = np.rint(centre + along * np.cos(angle)).astype(int)
    np.add.at(kernel, (rows, cols), 1)
    return np.asarray(cv2.filter2D(levels, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REPLICATE))


def _noise(levels: Levels, severity: float, random: Random) -> Levels:
    return np.asarray(
        cv2.GaussianBlur(levels, (0, 0), 0.5) + _sensor_noise(levels.shape, 6 + 74 * severity, random)
    )


def _salt_pepper(levels: Levels, severity: float, random: Random) -> Levels:
    share = 0.002 + 0.08 * severity**2
    drawn = random.random(levels.shape, np.float32)
    levels[drawn < share / 2] = 0
    levels[drawn > 1 - share / 2] = 255
    return levels


def _contrast(levels: Levels, severity: float, random: Random) -> Levels:
    """Ink and paper of nearly one grey, in the noise of a sensor."""
    kept = 0.5 * (1 - severity) + 0.015
    middle = random.uniform(40, 200)
    return middle + (levels - 128) * kept + _sensor_noise(levels.shape, 2 + 2 * severity, random)


def _brightness(levels: Levels, severity: float, random: Random) -> Levels:
    """Exposed far too much or too little: what lies beyond the sensor's range is lost."""
    noisy = levels + _sensor_noise(levels.shape, 8 + 16 * severity, random)
    if random.random() < 0.5:
        return 255 - (255 - noisy) * (1 - 0.9 * severity) + 60 * severity
    return noisy * (1 - 0.9 * severity) - 10 * severity


def _fading(levels: Levels, severity: float, random: Random) -> Levels:
    """Ink that has gone in places: first the edges of strokes, then the strokes."""
    gone = np.clip(severity * 1.2 * (0.4 + 0.8 * _cloud(levels.shape, 120, random)), 0, 0.98)
    thinned = cv2.dilate(levels, np.ones((2, 2), np.uint8))
    thin = np.clip(2 * gone, 0, 1)
    ink = 255 - (thin * thinned + (1 - thin) * levels)
    patchy = ink * (1 - gone) * (1 - gone * (random.random(levels.shape, np.float32) < 0.35))
    return np.asarray(250 - patchy + _sensor_noise(levels.shape, 3, random))


def _shadow(levels: Levels, severity: float, random: Random) -> Levels:
    height, width = levels.shape
    rows, cols = np.mgrid[0:height, 0:width].astype(np.float32) / max(height, width)
    angle = random.uniform(0, 2 * np.pi)
    across = np.cos(angle) * (cols - 0.5) + np.sin(angle) * (rows - 0.5)
    edge = 1 / (1 + np.exp(-(across - random.uniform(-0.25, 0.25)) * random.uniform(6, 40)))
    shaded = levels * (1 - (0.3 + 0.67 * severity) * edge)
    return np.asarray(shaded + _sensor_noise(levels.shape, 3 + 9 * severity, random))


def _stains(levels: Levels, severity: float, random: Random) -> Levels:
    height, width = levels.shape
    rows, cols = np.mgrid[0:height, 0:width].astype(np.float32)
    scale = max(height, width) / 1650
    for _ in range(int(3 + 12 * severity)):
        x, y = random.uniform(0, width), random.uniform(0, height)
        radius = random.uniform(40, 220) * scale
        distance = ((cols - x) ** 2 + (rows - y) ** 2) / radius**2
        levels = levels * (1 - (0.25 + 0.72 * severity) * np.exp(-(distance**2)))
    return levels + _sensor_noise(levels.shape, 2 + 6 * severity, random)


def _bleed_through(levels: Levels, severity: float, behind: Grey) -> Levels:
    """The mirrored back of the sheet shows through."""
    back = cv2.resize(cv2.flip(behind, 1), levels.shape[::-1]).astype(np.float32)
    back = cv2.GaussianBlur(back, (0, 0), 1.2 - 0.5 * severity)
    return np.asarray(np.minimum(levels, 255 - (255 - back) * (0.25 + 0.65 * severity)))


def _jpeg(picture: Grey, severity: float, random: Random) -> Grey:
    """Saved twice with coarse steps, the second time with its blocks elsewhere, as copies of copies are."""
    quality = round(30 - 28 * severity)
    for _ in range(2):
        down, right = (int(shift) for shift in random.integers(0, 8, 2))
        moved = np.roll(picture, (down, right), axis=(0, 1))
        _, coded = cv2.imencode(".jpg", moved, [cv2.IMWRITE_JPEG_QUALITY, quality])
        decoded = np.asarray(cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE), np.uint8)
        picture = np.roll(decoded, (-down, -right), axis=(0, 1))
    return picture


def _low_resolution(
    picture: Grey, severity: float, random: Random
) -> tuple[Grey, Callable[[Points], Points]]:
    kept = 0.75 - 0.5 * severity
    height, width = picture.shape
    size = max(1, round(width * kept)), max(1, round(height * kept))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    if random.random() < 0.5:
        return cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC), _stay
    scale = np.array([width / size[0], height / size[1]])
    return small, lambda points: points * scale


def _skew(picture: Grey, severity: float, random: Random) -> tuple[Grey, Callable[[Points], Points]]:
    degrees = (1 + 11 * severity) * (1 if random.random() < 0.5 else -1)
    height, width = picture.shape
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    turned = cv2.warpAffine(picture, turn, (width, height), borderMode=cv2.BORDER_REPLICATE)
    back = cv2.invertAffineTransform(turn)
    return turned, lambda points: points @ back[:, :2].T + back[:, 2]


def _warp(picture: Grey, severity: float, random: Random) -> tuple[Grey, Callable[[Points], Points]]:
    """A page that is not flat: lines rise and fall across it."""
    height, width = picture.shape
    rows, cols = np.mgrid[0:height, 0:width].astype(np.float32)
    reach = (4 + 36 * severity) * max(height, width) / 1650
    waves, phase = random.uniform(0.5, 2.0), random.uniform(0, 2 * np.pi)
    lift = reach * np.sin(2 * np.pi * waves * cols / width + phase) * (0.4 + 0.6 * rows / height)
    from_row = rows + lift.astype(np.float32)
    from_col = cols + 0.5 * np.float32(reach) * np.sin(np.pi * rows / height).astype(np.float32)
    warped = cv2.remap(picture, from_col, from_row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)

    def to_source(points: Points) -> Points:
        x = np.clip(points[:, 0].astype(int), 0, width - 1)
        y = np.clip(points[:, 1].astype(int), 0, height - 1)
        return np.stack([from_col[y, x], from_row[y, x]], axis=1)

    return warped, to_source


_LEVELS: dict[Degradation, Callable[[Levels, float, Random], Levels]] = {
    Degradation.BLUR: _blur,
    Degradation.MOTION: _motion,
    Degradation.NOISE: _noise,
    Degradation.SALT_PEPPER: _salt_pepper,
    Degradation.CONTRAST: _contrast,
    Degradation.BRIGHTNESS: _brightness,
    Degradation.FADING: _fading,
    Degradation.SHADOW: _shadow,
    Degradation.STAINS: _stains,
}
_MOVING: dict[Degradation, Callable[[Grey, float, Random], tuple[Grey, Callable[[Points], Points]]]] = {
    Degradation.LOW_RESOLUTION: _low_resolution,
    Degradation.SKEW: _skew,
    Degradation.WARP: _warp,
}
