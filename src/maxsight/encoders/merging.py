"""Fitting a page into the number of vectors a page may hold, without dropping any of it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from maxsight.types import MAX_VECTORS_PER_PAGE, PageEmbedding, Regions


def merge_neighbours(
    vectors: NDArray[np.float32], regions: Regions, limit: int = MAX_VECTORS_PER_PAGE
) -> PageEmbedding:
    """Make a page embedding of at most ``limit`` vectors.

    A page within the limit is kept as it is. On a longer one neighbours in reading order are merged, in
    groups as equal as they can be: the group's vector is the mean direction, its region the union.

    Args:
        vectors: Unit norm, in reading order. Shape ``(vectors, dim)``.
        regions: One per vector.
        limit: The most vectors to keep.
    """
    if len(vectors) <= limit:
        return PageEmbedding(vectors, regions)
    firsts = group_starts(len(vectors), limit)
    boxes, spans = (
        None if extents is None else unions(extents, firsts) for extents in (regions.boxes, regions.spans)
    )
    return PageEmbedding(mean_directions(vectors, firsts), Regions(boxes, spans))


def group_starts(count: int, groups: int) -> NDArray[np.intp]:
    """Cut ``count`` neighbours into groups as equal as they can be; tell where each starts. Shape ``(groups,)``."""
    return np.arange(groups) * count // groups


def mean_directions(vectors: NDArray[np.float32], firsts: NDArray[np.intp]) -> NDArray[np.float32]:
    """Per group of neighbours the mean of its unit vectors, of unit norm itself. Shape ``(groups, dim)``."""
    sums = np.add.reduceat(vectors, firsts, axis=0)
    norms = np.linalg.norm(sums, axis=1, keepdims=True)
    # Opposite vectors cancel out; the first of such a group stands for it.
    means: NDArray[np.float32] = np.where(norms > 1e-6, sums / np.maximum(norms, 1e-6), vectors[firsts])
    return means.astype(np.float32)


def unions(extents: NDArray[Any], firsts: NDArray[np.intp]) -> NDArray[Any]:
    """Per group of neighbours the smallest start and the largest end. Shape ``(groups, 2 or 4)``."""
    half = extents.shape[1] // 2
    starts = np.minimum.reduceat(extents[:, :half], firsts, axis=0)
    ends = np.maximum.reduceat(extents[:, half:], firsts, axis=0)
    return np.concatenate([starts, ends], axis=1)
