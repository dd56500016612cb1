"""Resizing a page's picture to the size that an encoder needs.

The result equals that of the image processors of transformers (backend ``pil``), pixel by pixel. So pages are resized
where they are read, and only the pixels that the model needs go to other processes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from maxsight.errors import InputError

RESAMPLING_FILTERS = ("nearest", "box", "bilinear", "hamming", "bicubic", "lanczos")
MAX_ASPECT_RATIO = 200
"""The limit of Qwen's models."""


class Fit(StrEnum):
    """How the size of a picture is chosen."""

    STRETCH = "stretch"
    """Exactly ``height_px`` by ``width_px`` (ColPali)."""
    MULTIPLE = "multiple"
    """The nearest multiples of ``multiple_px`` that keep the shape, between ``min_pixels`` and ``max_pixels`` in all
    (Qwen2-VL's ``smart_resize``)."""
    LONGEST_EDGE = "longest_edge"
    """A longest edge of ``longest_edge_px`` (Idefics3)."""


@dataclass(frozen=True, slots=True)
class PictureFit:
    """The size of picture that an encoder needs. Only the fields that belong to ``fit`` are used.

    Attributes:
        fit: How the size is chosen.
        resample: Pillow's name of the filter: one of `RESAMPLING_FILTERS`.
        height_px: For ``STRETCH``.
        width_px: For ``STRETCH``.
        multiple_px: For ``MULTIPLE``.
        min_pixels: For ``MULTIPLE``.
        max_pixels: For ``MULTIPLE``.
        longest_edge_px: For ``LONGEST_EDGE``.
    """

    fit: Fit
    resample: str = "bicubic"
    height_px: int = 0
    width_px: int = 0
    multiple_px: int = 1
    min_pixels: int = 0
    max_pixels: int = 0
    longest_edge_px: int = 0

    def __post_init__(self) -> None:
        if self.resample not in RESAMPLING_FILTERS:
            raise InputError(
                f"resample must be one of {', '.join(RESAMPLING_FILTERS)}, got {self.resample!r}",
            )
        match self.fit:
            case Fit.STRETCH:
                _check_pixels(height_px=self.height_px, width_px=self.width_px)
            case Fit.MULTIPLE:
                _check_pixels(multiple_px=self.multiple_px, max_pixels=self.max_pixels)
                if not 0 <= self.min_pixels <= self.max_pixels or self.max_pixels < self.multiple_px**2:
                    raise InputError(
                        f"max_pixels must hold {self.multiple_px} x {self.multiple_px} and min_pixels "
                        f"({self.min_pixels}), got {self.max_pixels}"
                    )
            case Fit.LONGEST_EDGE:
                _check_pixels(longest_edge_px=self.longest_edge_px)

    @property
    def max_bytes(self) -> int:
        """Bytes of the largest possible picture."""
        match self.fit:
            case Fit.STRETCH:
                pixels = self.height_px * self.width_px
            case Fit.MULTIPLE:
                pixels = self.max_pixels
            case Fit.LONGEST_EDGE:
                pixels = self.longest_edge_px**2
        return 3 * pixels


def fit_picture(image: Image.Image, fit: PictureFit) -> NDArray[np.uint8]:
    """Resize a picture for an encoder.

    Args:
        image: In mode RGB, of any size.
        fit: What the encoder needs.

    Returns:
        The pixels. Shape ``(height, width, 3)``, uint8.

    Raises:
        InputError: The picture is too long and narrow for the encoder.
    """
    size = fitted_size(image.width, image.height, fit)
    if size != image.size:
        image = image.resize(size, Image.Resampling[fit.resample.upper()])
    return np.asarray(image)


def fitted_size(width: int, height: int, fit: PictureFit) -> tuple[int, int]:
    """Return the size that a picture gets: width and height in pixels. A fitted size stays as it is.

    Raises:
        InputError: The picture is too long and narrow for the encoder.
    """
    match fit.fit:
        case Fit.STRETCH:
            return fit.width_px, fit.height_px
        case Fit.MULTIPLE:
            return _to_multiples(width, height, fit)
        case Fit.LONGEST_EDGE:
            return _to_longest_edge(width, height, fit.longest_edge_px)


def _to_multiples(width: int, height: int, fit: PictureFit) -> tuple[int, int]:
    """Apply Qwen2-VL's ``smart_resize``."""
    step = fit.multiple_px
    if width % step == height % step == 0 and fit.min_pixels <= width * height <= fit.max_pixels:
        return width, height
    _refuse_elongated(width, height)
    fitted = tuple(round(side / step) * step for side in (width, height))
    if fitted[0] * fitted[1] > fit.max_pixels:
        shrink = math.sqrt(width * height / fit.max_pixels)
        fitted = tuple(max(step, math.floor(side / shrink / step) * step) for side in (width, height))
    elif fitted[0] * fitted[1] < fit.min_pixels:
        grow = math.sqrt(fit.min_pixels / (width * height))
        fitted = tuple(math.ceil(side * grow / step) * step for side in (width, height))
    return fitted[0], fitted[1]


def _to_longest_edge(width: int, height: int, longest: int) -> tuple[int, int]:
    """Apply Idefics3's rule, which rounds the shorter edge up to an even number."""
    if max(width, height) == longest and min(width, height) % 2 == 0:
        return width, height
    _refuse_elongated(width, height)
    shape = width / height
    if width >= height:
        return longest, _even(int(longest / shape))
    return _even(int(longest * shape)), longest


def _even(pixels: int) -> int:
    return pixels + pixels % 2


def _refuse_elongated(width: int, height: int) -> None:
    """Refuse sizes that are not fitted yet; rounding may make a fitted one a little longer than allowed."""
    if max(width, height) > MAX_ASPECT_RATIO * min(width, height):
        raise InputError(
            f"the picture is {width} x {height} pixels, more than {MAX_ASPECT_RATIO} times as long as wide",
            hint="Cut it into pages, or index it with an encoder that stretches pictures, such as ColPali.",
        )


def _check_pixels(**sizes: int) -> None:
    for name, size in sizes.items():
        if size < 1:
            raise InputError(f"{name} must be at least 1, got {size}")
