"""Ink as an OCR engine sees it: black and white, in connected pieces.

Tesseract tells ink from paper by one threshold for the whole page. Where a threshold of the neighbourhood finds other
ink, as in a shadow, words are lost; where pieces are not shaped like characters, they are misread. These statistics
look at what a degradation does to reading, whichever it was.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from maxsight.encoders.patches.grid import Grey, Patches, Plane

INK_STATISTICS = (
    "ink_global",
    "ink_local",
    "ink_lost",
    "ink_added",
    "ink_agreement",
    "stroke_width",
    "stroke_width_local",
    "pieces",
    "speckle_pieces",
    "character_pieces",
    "character_ink",
    "oversized_ink",
    "piece_height",
    "piece_height_spread",
    "piece_width",
    "piece_fill",
    "character_pieces_local",
    "character_ink_local",
)

# Sauvola's: a window a few lines high, and how far the threshold lies below the neighbourhood's mean.
_WINDOW_PX, _SENSITIVITY = 41, 0.2
# Pixels, at the resolutions pages are scanned in: what may be a character, what is dust.
_CHARACTER_HEIGHT, _CHARACTER_WIDTH, _SPECKLE_AREA = (5, 60), (2, 70), 6


def global_ink(picture: Grey) -> Grey:
    """Ink by Otsu's threshold of the whole page, as 0 and 1."""
    return np.asarray(cv2.threshold(picture, 0, 1, cv2.THRESH_BINARY_INV + cv2.THRESH_OTSU)[1], np.uint8)


def local_ink(picture: Grey) -> Grey:
    """Ink by Sauvola's threshold of the neighbourhood, as 0 and 1."""
    window = (_WINDOW_PX, _WINDOW_PX)
    mean = cv2.boxFilter(picture, cv2.CV_32F, window)
    variance = cv2.sqrBoxFilter(picture, cv2.CV_32F, window) - mean * mean
    deviation = cv2.sqrt(np.maximum(variance, 0))
    threshold = mean * (deviation * np.float32(_SENSITIVITY / 128) + np.float32(1 - _SENSITIVITY))
    return np.asarray((picture < threshold).view(np.uint8))


def ink_statistics(picture: Grey, patches: Patches) -> dict[str, Plane]:
    """Measure ink and its pieces, by name in `INK_STATISTICS`. Shape ``(patches,)`` each."""
    whole, near = global_ink(picture), local_ink(picture)
    share, share_near = (patches.mean(ink) for ink in (whole, near))
    lost = patches.mean(near > whole)
    added = patches.mean(whole > near)
    pieces, pieces_near = _pieces(whole, patches), _pieces(near, patches)
    return {
        "ink_global": share,
        "ink_local": share_near,
        "ink_lost": lost / (share_near + 0.01),
        "ink_added": added / (share + 0.01),
        "ink_agreement": (share - added) / (share + lost + 0.01),
        "stroke_width": _stroke_width(whole, share, patches),
        "stroke_width_local": _stroke_width(near, share_near, patches),
        **pieces,
        "character_pieces_local": pieces_near["character_pieces"],
        "character_ink_local": pieces_near["character_ink"],
    }


def _stroke_width(ink: Grey, share: Plane, patches: Patches) -> Plane:
    """Twice the ink over its outline: the mean width of its strokes, logarithm of pixels."""
    inner = cv2.erode(ink, np.ones((3, 3), np.uint8))
    outline = share - patches.mean(np.asarray(inner, np.uint8))
    return np.log1p(2 * share / (outline + 1e-3))


def _pieces(ink: Grey, patches: Patches) -> dict[str, Plane]:
    _, _, boxes, middles = cv2.connectedComponentsWithStatsWithAlgorithm(ink, 8, cv2.CV_32S, cv2.CCL_BBDT)
    boxes, middles = boxes[1:].astype(np.float32), middles[1:]  # the first is the paper
    width, height, area = boxes[:, 2], boxes[:, 3], boxes[:, 4]
    where = patches.patch_of(middles[:, 0], middles[:, 1])
    fill = area / (width * height)
    is_character = _between(height, _CHARACTER_HEIGHT) & _between(width, _CHARACTER_WIDTH) & (fill > 0.12)
    is_speckle = area <= _SPECKLE_AREA
    is_oversized = (height > _CHARACTER_HEIGHT[1]) & (width > _CHARACTER_WIDTH[1])

    def total(weights: NDArray[np.floating] | NDArray[np.bool_]) -> Plane:
        return np.bincount(where, weights, len(patches.grid)).astype(np.float32)

    count, ink_area = total(np.ones_like(area)), total(area)
    body = np.where(is_speckle, 0, 1).astype(np.float32)
    bodies = np.maximum(total(body), 1)
    log_height = np.log(height)
    mean_height = total(body * log_height) / bodies
    spread = total(body * log_height**2) / bodies - mean_height**2
    return {
        "pieces": np.log1p(count),
        "speckle_pieces": total(is_speckle) / np.maximum(count, 1),
        "character_pieces": np.log1p(total(is_character)),
        "character_ink": total(area * is_character) / np.maximum(ink_area, 1),
        "oversized_ink": total(area * is_oversized) / np.maximum(ink_area, 1),
        "piece_height": mean_height,
        "piece_height_spread": np.sqrt(np.maximum(spread, 0)),
        "piece_width": total(body * np.log(width)) / bodies,
        "piece_fill": total(body * fill) / bodies,
    }


def _between(values: Plane, limits: tuple[int, int]) -> NDArray[np.bool_]:
    return (values >= limits[0]) & (values <= limits[1])
