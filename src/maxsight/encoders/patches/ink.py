"""Ink as an OCR engine sees it: black and white, in connected components.

Tesseract separates ink from paper by one threshold for the whole page. Where a local threshold finds other ink, as in a
shadow, words are lost. Where components are not shaped like characters, they are misread. These statistics
measure how much a degradation harms reading. They don't depend on its cause.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from maxsight.encoders.patches.grid import Grey, Patches, Plane

# Sauvola's threshold: a window a few lines high, and how far the threshold lies below its mean.
_WINDOW_PX, _SENSITIVITY = 41, 0.2
# In pixels of a scanned page: the sizes of a character, and the largest area of dust.
_CHARACTER_HEIGHT, _CHARACTER_WIDTH, _SPECKLE_AREA = (5, 60), (2, 70), 6
_DOWNSCALE = 4
_FAINT = 0.6  # of the contrast of the darkest components; print shining through from behind is fainter


def global_ink(picture: Grey) -> Grey:
    """Find ink by Otsu's threshold of the whole page, as 0 and 1."""
    return np.asarray(cv2.threshold(picture, 0, 1, cv2.THRESH_BINARY_INV + cv2.THRESH_OTSU)[1], np.uint8)


def local_ink(picture: Grey) -> Grey:
    """Find ink by Sauvola's local threshold, as 0 and 1."""
    window = (_WINDOW_PX, _WINDOW_PX)
    mean = cv2.boxFilter(picture, cv2.CV_32F, window)
    variance = cv2.sqrBoxFilter(picture, cv2.CV_32F, window) - mean * mean
    deviation = cv2.sqrt(np.maximum(variance, 0))
    threshold = mean * (deviation * np.float32(_SENSITIVITY / 128) + np.float32(1 - _SENSITIVITY))
    return np.asarray((picture < threshold).view(np.uint8))


def ink_statistics(picture: Grey, steepness: Plane, patches: Patches) -> dict[str, Plane]:
    """Measure ink and its connected components, by name. Shape ``(patches,)`` each.

    Args:
        picture: Padded to the grid.
        steepness: Its gradient's square. Shape of the picture.
        patches: The grid.
    """
    whole, near = global_ink(picture), local_ink(picture)
    share, share_near = (patches.mean(ink) for ink in (whole, near))
    lost = patches.mean(near > whole)
    added = patches.mean(whole > near)
    of_whole, of_near = _Components(whole, patches), _Components(near, patches)
    return {
        "ink_global": share,
        "ink_local": share_near,
        "ink_lost": lost / (share_near + 0.01),
        "ink_added": added / (share + 0.01),
        "ink_agreement": (share - added) / (share + lost + 0.01),
        "stroke_width": _stroke_width(whole, share, patches),
        "stroke_width_local": _stroke_width(near, share_near, patches),
        **of_whole.statistics(),
        **{f"{name}_local": values for name, values in of_near.statistics().items()},
        **of_near.contrast_statistics(picture, steepness),
    }


def _stroke_width(ink: Grey, share: Plane, patches: Patches) -> Plane:
    """Estimate the mean width of strokes, twice the ink over its perimeter. Logarithm of pixels."""
    inner = cv2.erode(ink, np.ones((3, 3), np.uint8))
    perimeter = share - patches.mean(np.asarray(inner, np.uint8))
    return np.log1p(2 * share / (perimeter + 1e-3))


class _Components:
    """Connected components of ink ("pieces"), each counted in the patch of its centroid."""

    def __init__(self, ink: Grey, patches: Patches) -> None:
        found = cv2.connectedComponentsWithStatsWithAlgorithm(ink, 8, cv2.CV_32S, cv2.CCL_BBDT)
        _, self._labels, boxes, middles = found
        self._middles = middles[1:]  # the first is the paper
        self._width, self._height, self._area = boxes[1:, 2:].T.astype(np.float32)
        self._where = patches.patch_of(self._middles[:, 0], self._middles[:, 1])
        self._patches = len(patches.grid)
        self._is_speckle = self._area <= _SPECKLE_AREA
        self._bodies = np.maximum(self._total(~self._is_speckle), 1)

    def statistics(self) -> dict[str, Plane]:
        """Count the components and measure their shapes."""
        width, height, area = self._width, self._height, self._area
        fill = area / (width * height)
        is_character = _between(height, _CHARACTER_HEIGHT) & _between(width, _CHARACTER_WIDTH) & (fill > 0.12)
        is_oversized = (height > _CHARACTER_HEIGHT[1]) & (width > _CHARACTER_WIDTH[1])
        count, ink_area = self._total(np.ones_like(area)), self._total(area)
        mean_height, height_spread = self._of_bodies(np.log(height))
        mean_width, width_spread = self._of_bodies(np.log(width))
        return {
            "pieces": np.log1p(count),
            "speckle_pieces": self._total(self._is_speckle) / np.maximum(count, 1),
            "character_pieces": np.log1p(self._total(is_character)),
            "character_ink": self._total(area * is_character) / np.maximum(ink_area, 1),
            "oversized_ink": self._total(area * is_oversized) / np.maximum(ink_area, 1),
            "piece_height": mean_height,
            "piece_height_spread": height_spread,
            "piece_width": mean_width,
            "piece_width_spread": width_spread,
            "piece_fill": self._of_bodies(fill)[0],
        }

    def contrast_statistics(self, picture: Grey, steepness: Plane) -> dict[str, Plane]:
        """Measure how much darker they are than the paper around them, and how steep their edges are."""
        places = np.flatnonzero(self._labels)
        piece = self._labels.ravel()[places] - 1
        darkest = np.full(len(self._area), 255, np.uint8)
        np.minimum.at(darkest, piece, picture.ravel()[places])
        steepest = np.zeros(len(self._area), np.float32)
        np.maximum.at(steepest, piece, steepness.ravel()[places])
        steepest = np.sqrt(steepest)
        contrast = _paper(picture, self._middles) - darkest
        usual = np.percentile(contrast[~self._is_speckle], 90) if (~self._is_speckle).any() else 0
        mean_contrast, spread = self._of_bodies(contrast)
        return {
            "piece_contrast": mean_contrast,
            "piece_contrast_spread": spread,
            "piece_steepness": self._of_bodies(steepest)[0],
            "piece_sharpness": self._of_bodies(steepest / (contrast + 8))[0],
            "faint_pieces": self._of_bodies((contrast < _FAINT * usual).astype(np.float32))[0],
        }

    def _total(self, weights: NDArray[np.floating] | NDArray[np.bool_]) -> Plane:
        return np.bincount(self._where, weights, self._patches).astype(np.float32)

    def _of_bodies(self, values: Plane) -> tuple[Plane, Plane]:
        """Mean and deviation over each patch's components, without speckles; 0 if no component is left."""
        kept = np.where(self._is_speckle, 0, values)
        mean = self._total(kept) / self._bodies
        variance = self._total(kept * kept) / self._bodies - mean**2
        return mean, np.sqrt(np.maximum(variance, 0))


def _paper(picture: Grey, middles: Plane) -> NDArray[np.float32]:
    """Find the lightest level around each place, downscaled so that noise does not count."""
    far = cv2.resize(picture, None, fx=1 / _DOWNSCALE, fy=1 / _DOWNSCALE, interpolation=cv2.INTER_AREA)
    lightest = cv2.dilate(far, np.ones((9, 9), np.uint8))
    rows, cols = (
        np.minimum((middles[:, axis] / _DOWNSCALE).astype(np.intp), lightest.shape[side] - 1)
        for axis, side in ((1, 0), (0, 1))
    )
    return np.asarray(lightest[rows, cols], np.float32)


def _between(values: Plane, limits: tuple[int, int]) -> NDArray[np.bool_]:
    return (values >= limits[0]) & (values <= limits[1])
