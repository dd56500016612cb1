"""The size an encoder wants a page's picture in, and bringing it there.

The same picture comes out as from the image processors of transformers (backend ``pil``), pixel by pixel, so that
a page can be fitted where it is read and only the pixels that the model looks at travel on.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from maxsight.errors import InputError
from maxsight.types import Fit, PictureFit

_MOST_ELONGATED = 200
"""Times as long as wide: what Qwen's models accept."""


def fit_picture(image: Image.Image, fit: PictureFit) -> NDArray[np.uint8]:
    """Bring a picture to the size that an encoder wants.

    Args:
        image: In mode RGB, of any size.
        fit: What the encoder wants.

    Returns:
        The pixels. Shape ``(height, width, 3)``, uint8.

    Raises:
        InputError: It is too long and narrow for the encoder.
    """
    size = fitted_size(image.width, image.height, fit)
    if size != image.size:
        image = image.resize(size, Image.Resampling[fit.resample.upper()])
    return np.asarray(image)


def fitted_size(width: int, height: int, fit: PictureFit) -> tuple[int, int]:
    """Tell the size a picture gets, as ``width, height`` in pixels.

    Fitting a size that is fitted already leaves it as it is.

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
    """Qwen2-VL's ``smart_resize``."""
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
    """Idefics3's rule: the shorter edge is rounded up to an even number."""
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
    """Only for what is not fitted yet: rounding may have made that a little longer."""
    if max(width, height) > _MOST_ELONGATED * min(width, height):
        raise InputError(
            f"the picture is {width} x {height} pixels, more than {_MOST_ELONGATED} times as long as wide",
            hint="Cut it into pages, or index it with an encoder that stretches pictures, such as ColPali.",
        )
