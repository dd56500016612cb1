"""A page cut into a grid of patches, and sums over each patch."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

LEVEL_BINS = 64
PARTS = 4  # of a patch, in each direction, to find its quietest place

Plane = NDArray[np.floating[Any]]
Grey = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class PatchGrid:
    """The patches that a page is cut into, the same for all page shapes.

    Attributes:
        rows: How many, one below the other.
        cols: How many, side by side.
    """

    rows: int = 32
    cols: int = 32

    def __len__(self) -> int:
        return self.rows * self.cols


class Patches:
    """A grid over pictures of one size. Where it does not fit, the picture's border is repeated.

    Args:
        height: Of the pictures, in pixels.
        width: Of the pictures, in pixels.
        grid: The patches.
    """

    def __init__(self, height: int, width: int, grid: PatchGrid) -> None:
        self.grid = grid
        self._size = height, width
        self._patch = math.ceil(height / grid.rows), math.ceil(width / grid.cols)

    @property
    def padded_size(self) -> tuple[int, int]:
        """Height and width of the padded picture, in pixels."""
        return self._patch[0] * self.grid.rows, self._patch[1] * self.grid.cols

    def pad(self, picture: Grey) -> Grey:
        """Repeat the border until the grid fits."""
        below, right = (padded - side for padded, side in zip(self.padded_size, self._size, strict=True))
        return np.asarray(cv2.copyMakeBorder(picture, 0, below, 0, right, cv2.BORDER_REPLICATE), np.uint8)

    def boxes(self) -> NDArray[np.float32]:
        """Find the places of the patches, in fractions of the page. Shape ``(patches, 4)``."""
        rows, cols = np.divmod(np.arange(len(self.grid)), self.grid.cols)
        edges = np.stack([cols, rows, cols + 1, rows + 1], axis=1) * np.tile(self._patch[::-1], 2)
        return np.asarray(np.minimum(edges / np.tile(self._size[::-1], 2), 1), np.float32)

    def mean(self, plane: NDArray[np.generic]) -> Plane:
        """Average a padded plane over each patch. Shape ``(patches,)``."""
        sums = self._by_patch(plane, lambda part, axis: part.sum(axis=axis, dtype=np.float32))
        return np.asarray(sums / (self._patch[0] * self._patch[1]))

    def largest(self, plane: Plane) -> Plane:
        """Take the maximum over each patch. Shape ``(patches,)``."""
        return self._by_patch(plane, lambda part, axis: part.max(axis=axis))

    def quietest(self, plane: Plane) -> Plane:
        """Average over each of a patch's 16 parts and take the smallest. Shape ``(patches,)``."""
        size = self.grid.cols * PARTS, self.grid.rows * PARTS
        parts = np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_AREA))
        return np.asarray(
            parts.reshape(self.grid.rows, PARTS, self.grid.cols, PARTS).min(axis=(1, 3)).ravel()
        )

    def mean_of_small(self, plane: Plane) -> Plane:
        """Average a padded plane of a smaller scale over each patch. Shape ``(patches,)``."""
        small = cv2.resize(plane, (self.grid.cols, self.grid.rows), interpolation=cv2.INTER_AREA)
        return np.asarray(small, np.float32).ravel()

    def histograms(self, picture: Grey) -> NDArray[np.float32]:
        """Compute the share of each patch's pixels at each of `LEVEL_BINS` levels. Shape ``(patches, LEVEL_BINS)``.

        Every second pixel of every second row counts: a quarter of the time for the same shares.
        """
        height, width = self.padded_size
        row = np.arange(0, height, 2)[:, None] // self._patch[0]
        col = np.arange(0, width, 2)[None, :] // self._patch[1]
        first_bin = (row * self.grid.cols + col) * LEVEL_BINS
        bins = first_bin + picture[::2, ::2] // (256 // LEVEL_BINS)
        counts = np.bincount(bins.ravel(), minlength=len(self.grid) * LEVEL_BINS)
        shares = counts.reshape(len(self.grid), LEVEL_BINS).astype(np.float32)
        return np.asarray(shares / shares.sum(axis=1, keepdims=True))

    def patch_of(self, x: NDArray[np.floating], y: NDArray[np.floating]) -> NDArray[np.intp]:
        """Find the patch of each point of a padded picture."""
        row = np.minimum((y / self._patch[0]).astype(np.intp), self.grid.rows - 1)
        col = np.minimum((x / self._patch[1]).astype(np.intp), self.grid.cols - 1)
        return row * self.grid.cols + col

    def _by_patch(self, plane: NDArray[Any], reduce: Callable[[NDArray[Any], int], NDArray[Any]]) -> Plane:
        (height, width), (rows, cols) = self._patch, (self.grid.rows, self.grid.cols)
        per_row = reduce(plane.reshape(rows, height, -1), 1)
        return reduce(per_row.reshape(rows, cols, width), 2).ravel()
