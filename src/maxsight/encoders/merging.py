"""Merging neighbouring vectors: to fit a page into the vectors it may have, without dropping any of its text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maxsight.types import MAX_VECTORS_PER_PAGE, PageEmbedding, Regions


def merge_neighbours(
    vectors: NDArray[np.float32], regions: Regions, limit: int = MAX_VECTORS_PER_PAGE
) -> PageEmbedding:
    """Make a page embedding of at most ``limit`` vectors.

    A page within the limit stays as it is. On a longer one, neighbours in reading order are merged in groups of
    nearly equal size. A group's vector is the mean direction, its region the union.

    Args:
        vectors: Unit norm, in reading order. Shape ``(vectors, dim)``.
        regions: One per vector.
        limit: The most vectors of the result.
    """
    if len(vectors) <= limit:
        return PageEmbedding(vectors, regions)
    firsts = group_starts(len(vectors), limit)
    return PageEmbedding(
        mean_directions(vectors, firsts), map_regions(regions, lambda extents: unions(extents, firsts))
    )


def map_regions(regions: Regions, change: Callable[[NDArray[Any]], NDArray[Any]]) -> Regions:
    """Change boxes and spans alike, where there are any."""
    boxes, spans = (
        None if extents is None else change(extents) for extents in (regions.boxes, regions.spans)
    )
    return Regions(boxes, spans)


def group_starts(count: int, groups: int) -> NDArray[np.intp]:
    """Cut ``count`` neighbours into groups of nearly equal size, and return where each starts. Shape ``(groups,)``."""
    return np.arange(groups) * count // groups


def mean_directions(vectors: NDArray[np.float32], firsts: NDArray[np.intp]) -> NDArray[np.float32]:
    """Average the unit vectors of each group of neighbours, and scale to unit norm. Shape ``(groups, dim)``."""
    sums = np.add.reduceat(vectors, firsts, axis=0)
    norms = np.linalg.norm(sums, axis=1, keepdims=True)
    # Opposite vectors cancel out: the first one stands for such a group.
    means: NDArray[np.float32] = np.where(norms > 1e-6, sums / np.maximum(norms, 1e-6), vectors[firsts])
    return means.astype(np.float32)


def unions(extents: NDArray[Any], firsts: NDArray[np.intp]) -> NDArray[Any]:
    """Find the smallest start and the largest end of each group of neighbours. Shape ``(groups, 2 or 4)``."""
    half = extents.shape[1] // 2
    starts = np.minimum.reduceat(extents[:, :half], firsts, axis=0)
    ends = np.maximum.reduceat(extents[:, half:], firsts, axis=0)
    return np.concatenate([starts, ends], axis=1)
