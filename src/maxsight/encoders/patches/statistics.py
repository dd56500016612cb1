"""Image statistics per patch: level, contrast, sharpness, noise, ink, orientation, JPEG blocks.

Pictures are first stretched to their 0.5 and 99.5 percentiles. A pale page is as readable as a dark one, and without
the stretch a model that never saw pale pages judges them badly.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from maxsight.encoders.patches.grid import LEVEL_BINS, Grey, Patches, PatchGrid, Plane
from maxsight.encoders.patches.ink import ink_statistics

STATISTICS = (
    "level", "deviation", "dark_level", "light_level", "contrast", "separability", "ink_share", "between_share",
    "laplacian", "gradient", "sharpness", "laplacian_over_gradient", "noise", "noise_floor", "impulses", "edges",
    "fine_detail", "blockiness", "upright_share", "stroke_angle", "line_angle", "line_strength",
    "ink_global", "ink_local", "ink_lost", "ink_added", "ink_agreement", "stroke_width", "stroke_width_local",
    "pieces", "speckle_pieces", "character_pieces", "character_ink", "oversized_ink", "piece_height",
    "piece_height_spread", "piece_width", "piece_fill", "character_pieces_local", "character_ink_local",
    "piece_height_local", "piece_width_local", "piece_width_spread_local", "piece_contrast",
    "piece_contrast_spread", "piece_steepness", "piece_sharpness", "faint_pieces",
)  # fmt: skip
"""Names of the statistics, in the order of a vector's components."""

STRETCH_PERCENTILES = (0.5, 99.5)
# A patch is blank if its 1st and 99th percentiles are closer than so many levels and less of it is ink.
BLANK_CONTRAST, BLANK_INK = 32.0, 0.002
_BIN_LEVELS = 256 / LEVEL_BINS
# J. Immerkaer, Fast Noise Variance Estimation (1996): blind to flat areas and straight edges.
_NOISE_KERNEL = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class PatchStatistics:
    """The statistics of each patch of one page.

    Attributes:
        values: In the order of `STATISTICS`. Shape ``(patches, len(STATISTICS))``, float32.
        is_blank: Which patches are empty. Shape ``(patches,)``.
        boxes: The places of the patches, in fractions of the page. Shape ``(patches, 4)``.
    """

    values: NDArray[np.float32]
    is_blank: NDArray[np.bool_]
    boxes: NDArray[np.float32]


def patch_statistics(picture: Grey, grid: PatchGrid | None = None) -> PatchStatistics:
    """Measure every patch of a page.

    Args:
        picture: Grey, 0 black. Shape ``(height, width)``, uint8.
        grid: The patches that the page is cut into; 32 by 32 if not given.
    """
    height, width = picture.shape
    patches = Patches(height, width, grid or PatchGrid())
    picture = patches.pad(stretch(picture))
    levels = picture.astype(np.float32)
    histograms = patches.histograms(picture)
    measured = _level_statistics(histograms)
    across = cv2.Sobel(levels, cv2.CV_32F, 1, 0, scale=1 / 8)
    down = cv2.Sobel(levels, cv2.CV_32F, 0, 1, scale=1 / 8)
    measured |= _texture_statistics(picture, levels, (across, down), measured["contrast"], patches)
    measured |= _line_statistics(levels, patches)
    measured |= ink_statistics(picture, across * across + down * down, patches)
    values = np.stack([measured[name] for name in STATISTICS], axis=1)
    spread = _percentile(histograms, 0.99) - _percentile(histograms, 0.01)
    boxes = patches.boxes()
    # In a deep shadow, ink hardly differs from paper: so contrast alone does not decide.
    is_empty = (spread < BLANK_CONTRAST) & (measured["ink_local"] < BLANK_INK)
    is_outside = (boxes[:, :2] >= boxes[:, 2:]).any(axis=1)  # all of it is repeated border
    return PatchStatistics(values.astype(np.float32), is_empty | is_outside, boxes)


def stretch(picture: Grey) -> Grey:
    """Spread a picture's levels over 0 to 255. A picture of one level stays as it is."""
    seen = picture[::2, ::2].ravel()
    shares = np.cumsum(np.bincount(seen, minlength=256)) / seen.size
    low, high = (int(np.searchsorted(shares, percent / 100)) for percent in STRETCH_PERCENTILES)
    if high <= low:
        return picture
    table = np.clip((np.arange(256) - low) * (255 / (high - low)), 0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(picture, table), np.uint8)


def _percentile(histograms: NDArray[np.float32], share: float) -> Plane:
    """Find the level below which a share of each patch's pixels lies. Shape ``(patches,)``."""
    return np.asarray(((np.cumsum(histograms, axis=1) < share).sum(axis=1) * _BIN_LEVELS).astype(np.float32))


def _level_statistics(share: NDArray[np.float32]) -> dict[str, Plane]:
    level = (np.arange(LEVEL_BINS, dtype=np.float32) + 0.5) * _BIN_LEVELS
    mean = share @ level
    deviation = np.sqrt(np.maximum(share @ level**2 - mean**2, 0))
    dark, light = _percentile(share, 0.05), _percentile(share, 0.95)
    separability, ink = _otsu(share, level, mean, deviation)
    relative = (level - dark[:, None]) / (light - dark + 1e-3)[:, None]
    between = (share * ((relative > 0.25) & (relative < 0.75))).sum(axis=1)
    return {
        "level": mean,
        "deviation": deviation,
        "dark_level": dark,
        "light_level": light,
        "contrast": light - dark,
        "separability": separability,
        "ink_share": ink,
        "between_share": between * (light > dark),
    }


def _otsu(share: Plane, level: Plane, mean: Plane, deviation: Plane) -> tuple[Plane, Plane]:
    """Split each patch into ink and paper by Otsu's threshold; return the explained variance and the share of ink."""
    below = np.cumsum(share, axis=1)[:, :-1]
    sum_below = np.cumsum(share * level, axis=1)[:, :-1]
    explained = (mean[:, None] * below - sum_below) ** 2 / np.maximum(below * (1 - below), 1e-6)
    best = explained.argmax(axis=1)
    row = np.arange(len(share))
    return explained[row, best] / (deviation**2 + 4), below[row, best]


def _texture_statistics(
    picture: Grey, levels: Plane, gradient: tuple[Plane, Plane], contrast: Plane, patches: Patches
) -> dict[str, Plane]:
    laplacian = cv2.Laplacian(levels, cv2.CV_32F, ksize=1)
    variance = np.maximum(patches.mean(laplacian * laplacian) - patches.mean(laplacian) ** 2, 0)
    across, down = gradient
    across_sq, down_sq = across * across, down * down
    across2, down2, product = (patches.mean(plane) for plane in (across_sq, down_sq, across * down))
    steepness = across_sq + down_sq
    energy = across2 + down2
    angle = np.abs(0.5 * np.arctan2(2 * product, across2 - down2 + 1e-6))
    noise = np.abs(cv2.filter2D(levels, -1, _NOISE_KERNEL)) * np.float32(np.sqrt(np.pi / 2) / 6)
    softened = cv2.GaussianBlur(picture, (5, 5), 1.0)
    smooth = cv2.GaussianBlur(picture, (15, 15), 3.0)
    detail = patches.mean(_squared(picture, softened)) / (patches.mean(_squared(picture, smooth)) + 1)
    strong = np.float32(0.12 * max(32.0, float(np.percentile(contrast, 90)))) ** 2
    relative = np.maximum(contrast, 16)
    return {
        "laplacian": np.log1p(variance),
        "gradient": np.log1p(energy),
        "sharpness": np.sqrt(patches.largest(steepness)) / (contrast + 8),
        "laplacian_over_gradient": np.log((variance + 1) / (energy + 1)),
        "noise": np.log1p(patches.mean(noise)),
        "noise_floor": np.log1p(patches.quietest(noise)),
        "impulses": patches.mean(np.asarray(cv2.absdiff(picture, cv2.medianBlur(picture, 3)))) / relative,
        "edges": patches.mean(steepness > strong),
        "fine_detail": detail,
        "blockiness": _blockiness(picture, patches),
        "upright_share": across2 / (energy + 1),
        "stroke_angle": np.minimum(angle, np.pi / 2 - angle),
    }


def _blockiness(picture: Grey, patches: Patches) -> Plane:
    """Divide the steps between columns at the borders of JPEG's blocks of 8 by those elsewhere."""
    step = cv2.absdiff(picture[:, 1:], picture[:, :-1])
    step = cv2.copyMakeBorder(step, 0, 0, 1, 0, cv2.BORDER_CONSTANT, value=0)
    at_border = np.zeros_like(picture)
    at_border[:, ::8] = step[:, ::8]
    return 8 * patches.mean(at_border) / (patches.mean(np.asarray(step, np.uint8)) + 0.5)


def _squared(one: Grey, other: NDArray[np.generic]) -> Plane:
    apart = cv2.absdiff(one, np.asarray(other, np.uint8)).astype(np.float32)
    return np.asarray(apart * apart)


def _line_statistics(levels: Plane, patches: Patches) -> dict[str, Plane]:
    """Measure the direction of lines of text, at a scale at which characters run together."""
    far = cv2.resize(levels, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    far = cv2.blur(far, (9, 3))
    across = cv2.Sobel(far, cv2.CV_32F, 1, 0, scale=1 / 8)
    down = cv2.Sobel(far, cv2.CV_32F, 0, 1, scale=1 / 8)
    across2, down2, product = (
        patches.mean_of_small(cv2.blur(plane, (15, 15)))
        for plane in (across * across, down * down, across * down)
    )
    angle = 0.5 * np.arctan2(2 * product, down2 - across2 + 1e-6)
    coherence = np.hypot(down2 - across2, 2 * product) / (across2 + down2 + 1)
    return {"line_angle": np.abs(angle), "line_strength": coherence}
