"""Damage that moves the ink. Each function also returns where points of the result were in the original."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from maxsight.encoders.patches.grid import Grey
from maxsight.quality.training.level_damage import Random
from maxsight.types import Floats

ToSource = Callable[[Floats], Floats]


def low_resolution(picture: Grey, severity: float, random: Random) -> tuple[Grey, ToSource]:
    """Scan with fewer pixels; half the results are scaled up again."""
    kept = 0.75 - 0.5 * severity
    height, width = picture.shape
    size = max(1, round(width * kept)), max(1, round(height * kept))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    if random.random() < 0.5:
        return cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC), lambda points: points
    scale = np.array([width / size[0], height / size[1]])
    return small, lambda points: points * scale


def skew(picture: Grey, severity: float, random: Random) -> tuple[Grey, ToSource]:
    """Turn the page by up to 12 degrees."""
    degrees = (1 + 11 * severity) * (1 if random.random() < 0.5 else -1)
    height, width = picture.shape
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    turned = cv2.warpAffine(picture, turn, (width, height), borderMode=cv2.BORDER_REPLICATE)
    back = cv2.invertAffineTransform(turn)
    return turned, lambda points: points @ back[:, :2].T + back[:, 2]


def warp(picture: Grey, severity: float, random: Random) -> tuple[Grey, ToSource]:
    """Bend the page, so that lines rise and fall across it."""
    height, width = picture.shape
    rows, cols = np.mgrid[0:height, 0:width].astype(np.float32)
    reach = (4 + 36 * severity) * max(height, width) / 1650
    waves, phase = random.uniform(0.5, 2.0), random.uniform(0, 2 * np.pi)
    lift = reach * np.sin(2 * np.pi * waves * cols / width + phase) * (0.4 + 0.6 * rows / height)
    from_row = rows + lift.astype(np.float32)
    from_col = cols + 0.5 * np.float32(reach) * np.sin(np.pi * rows / height).astype(np.float32)
    warped = cv2.remap(picture, from_col, from_row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)

    def to_source(points: Floats) -> Floats:
        x = np.clip(points[:, 0].astype(int), 0, width - 1)
        y = np.clip(points[:, 1].astype(int), 0, height - 1)
        return np.stack([from_col[y, x], from_row[y, x]], axis=1)

    return warped, to_source
