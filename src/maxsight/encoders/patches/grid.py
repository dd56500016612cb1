"""A page cut into a grid of patches, and sums over each patch."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

LEVEL_BINS = 64
PARTS = 4  # into which a patch is cut, each way, to find its quietest place

Plane = NDArray[np.floating[Any]]
Grey = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class PatchGrid:
    """Into how many patches a page is cut, whatever its shape."""

    rows: int = 32
    cols: int = 32

    def __len__(self) -> int:
        return self.rows * self.cols


class Patches:
    """A grid laid over pictures of one size. Where it does not fit, the picture's border is repeated.

    Args:
        height: Of the pictures, pixels.
        width: Of the pictures, pixels.
        grid: How many patches.
    """

    def __init__(self, height: int, width: int, grid: PatchGrid) -> None:
        self.grid = grid
        self._size = height, width
        self._patch = math.ceil(height / grid.rows), math.ceil(width / grid.cols)

    @property
    def padded_size(self) -> tuple[int, int]:
        """Height and width of the picture that the grid fits, pixels."""
        return self._patch[0] * self.grid.rows, self._patch[1] * self.grid.cols

    def pad(self, picture: Grey) -> Grey:
        """Repeat the border until the grid fits."""
        below, right = (padded - side for padded, side in zip(self.padded_size, self._size, strict=True))
        return np.asarray(cv2.copyMakeBorder(picture, 0, below, 0, right, cv2.BORDER_REPLICATE), np.uint8)

    def boxes(self) -> NDArray[np.float32]:
        """Where the patches lie, in fractions of the page. Shape ``(patches, 4)``."""
        rows, cols = np.divmod(np.arange(len(self.grid)), self.grid.cols)
        edges = np.stack([cols, rows, cols + 1, rows + 1], axis=1) * np.tile(self._patch[::-1], 2)
        return np.asarray(np.minimum(edges / np.tile(self._size[::-1], 2), 1), np.float32)

    def mean(self, plane: NDArray[np.generic]) -> Plane:
        """Average a padded plane over each patch. Shape ``(patches,)``."""
        (height, width), (rows, cols) = self._patch, (self.grid.rows, self.grid.cols)
        per_row = plane.reshape(rows, height, -1).sum(axis=1, dtype=np.float32)
        return np.asarray(per_row.reshape(rows, cols, width).sum(axis=2).ravel() / (height * width))

    def largest(self, plane: Plane) -> Plane:
        """Take the maximum over each patch. Shape ``(patches,)``."""
        (height, width), (rows, cols) = self._patch, (self.grid.rows, self.grid.cols)
        per_row = plane.reshape(rows, height, -1).max(axis=1)
        return np.asarray(per_row.reshape(rows, cols, width).max(axis=2).ravel())

    def quietest(self, plane: Plane) -> Plane:
        """Average over each of a patch's 16 parts and take the least. Shape ``(patches,)``."""
        size = self.grid.cols * PARTS, self.grid.rows * PARTS
        parts = np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_AREA))
        return np.asarray(
            parts.reshape(self.grid.rows, PARTS, self.grid.cols, PARTS).min(axis=(1, 3)).ravel()
        )

    def mean_of_small(self, plane: Plane) -> Plane:
        """Average a padded plane that was made smaller over each patch. Shape ``(patches,)``."""
        small = cv2.resize(plane, (self.grid.cols, self.grid.rows), interpolation=cv2.INTER_AREA)
        return np.asarray(small, np.float32).ravel()

    def histograms(self, picture: Grey) -> NDArray[np.float32]:
        """Share of each patch's pixels at each of `LEVEL_BINS` levels. Shape ``(patches, LEVEL_BINS)``.

        Every second pixel of every second row is looked at: a quarter of the time for the same shares.
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
        """Tell which patch each point of a padded picture lies in."""
        row = np.minimum((y / self._patch[0]).astype(np.intp), self.grid.rows - 1)
        col = np.minimum((x / self._patch[1]).astype(np.intp), self.grid.cols - 1)
        return row * self.grid.cols + col
