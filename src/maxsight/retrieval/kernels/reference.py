"""What the kernels compute, in numpy. They are tested against this, and it works where they are not loaded.

Each function prepares a query and returns a function that scores pages. Pages are given by address, since their bytes
lie in a mapped file or in memory, at any alignment. ``docs/kernels.md`` shows the layouts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maxsight.retrieval.maxsim import maxsim
from maxsight.stores.ragged import are_unit
from maxsight.types import Floats

Score = Callable[[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]], None]
"""Scores pages: their addresses, their vector counts, and the scores to write."""
ExactScore = Callable[[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]], None]
"""Like `Score`, with one more argument after the addresses: the bytes from one vector to the next."""
Levels = tuple[NDArray[Any], NDArray[np.float32]]
"""Coordinates of a query's tokens, rounded to -127..127, ``(query_tokens, dim)``; what 127 stands for, by token."""

BLOCK = 16


def sign_scorer(queries: Sequence[Levels]) -> Score:
    """Prepare queries for pages' pooled sign codes: 128 signs of each vector, as bits.

    A token's agreement with a vector is the sum of its levels, each with the vector's sign. The page gets the square
    of the best agreement of each token, since weak agreement is mostly noise.

    Args:
        queries: Levels of the first 128 rotated coordinates, for each query.

    Returns:
        Scores pages for all queries: addresses ``(pages,)``, counts ``(pages,)``, scores ``(queries, pages)``.
    """
    known = []
    for levels, scales in queries:
        wide = levels.astype(np.float32)
        known.append((wide, wide.sum(axis=1), scales / np.maximum(1, np.abs(wide).sum(axis=1))))

    def score(addresses: NDArray[np.int64], counts: NDArray[np.int64], scores: NDArray[np.float32]) -> None:
        for page, (address, count) in enumerate(zip(addresses.tolist(), counts.tolist(), strict=True)):
            words = _array_at(address, (2, count, 8), np.uint8)
            bits = np.unpackbits(words.transpose(1, 0, 2).reshape(count, 16), axis=1, bitorder="little")
            stored = bits.T.astype(np.float32)
            for query, (wide, total, factor) in enumerate(known):
                agreement = np.maximum(0, 2 * (wide @ stored).max(axis=1, initial=-np.inf) - total)
                scores[query, page] = (factor * agreement**2).sum() if count else -np.inf

    return score


def reduce_to_signs(levels: NDArray[np.int8]) -> NDArray[np.float32]:
    """Return a binary query: each token's signs times the mean size of its levels. ``bits`` scores by these."""
    size = np.abs(levels.astype(np.float32)).mean(axis=1, keepdims=True)
    binary: NDArray[np.float32] = np.where(levels >= 0, size, -size)
    return binary


def four_bit_scorer(levels: NDArray[np.int8], scales: NDArray[np.float32]) -> Score:
    """Prepare a query for pages' 4-bit codes: every coordinate in 16 steps, blocks of 16 vectors.

    Args:
        levels: Levels of the query's rotated coordinates. Shape ``(query_tokens, rotated_dim)``.
        scales: What 127 stands for, by token. Shape ``(query_tokens,)``.

    Returns:
        Scores pages: addresses, counts and scores ``(pages,)`` each. Only comparisons of pages make sense: a part
        that is equal for all pages is left out.
    """
    dim, wide = levels.shape[1], levels.astype(np.float32)

    def score(addresses: NDArray[np.int64], counts: NDArray[np.int64], scores: NDArray[np.float32]) -> None:
        for page, (address, count) in enumerate(zip(addresses.tolist(), counts.tolist(), strict=True)):
            blocks = -(-count // BLOCK)
            packed = _array_at(address, (blocks, dim // 8, BLOCK, 4), np.uint8)
            quads = np.concatenate([packed & 15, packed >> 4], axis=1)  # (blocks, dim / 4, BLOCK, 4)
            steps = quads.transpose(0, 2, 1, 3).reshape(-1, dim).astype(np.float32)
            products = (wide @ steps.T).max(axis=1, initial=-np.inf)  # whole numbers below 2**24
            scores[page] = (scales * products).sum() if count else -np.inf

    return score


def exact_scorer(query: Floats) -> ExactScore:
    """Prepare a query ``(query_tokens, dim)`` for MaxSim with pages' float16 vectors, in float32.

    Returns:
        Scores pages: addresses of the first vectors, bytes from one vector to the next, counts and scores, ``(pages,)``
        each. A page with a vector that is not of unit norm gets NaN: it is not what was written.
    """
    dim = query.shape[1]

    def score(
        addresses: NDArray[np.int64],
        strides: NDArray[np.int64],
        counts: NDArray[np.int64],
        scores: NDArray[np.float32],
    ) -> None:
        places = zip(addresses.tolist(), strides.tolist(), counts.tolist(), strict=True)
        for page, (address, stride, count) in enumerate(places):
            vectors = _array_at(address, (count, dim), np.float16, (stride, 2)).astype(np.float32)
            whole = are_unit(np.sqrt(np.einsum("vd,vd->v", vectors, vectors)))
            scores[page] = maxsim(query, [vectors])[0] if whole else np.nan

    return score


def _array_at(
    address: int, shape: tuple[int, ...], dtype: type[np.generic], strides: tuple[int, ...] | None = None
) -> NDArray[Any]:
    """View the memory at an address as an array, without copying."""
    if 0 in shape:
        return np.empty(shape, dtype)
    interface = {"version": 3, "data": (address, True), "shape": shape, "strides": strides}
    return np.asarray(SimpleNamespace(__array_interface__=interface | {"typestr": np.dtype(dtype).str}))
