"""Codes of vectors, cheap enough to compare a query with every page of a library.

Vectors are first rotated at random: signs are flipped and Hadamard matrices mix the coordinates. This spreads the
content of a vector evenly over its coordinates, in few additions (Ailon and Chazelle 2009). The library's mean is
subtracted. Two codes of the result are stored:

- **Pooled sign codes**: the vectors of a page are pooled to a quarter, each with those most like it. The signs of 128
  coordinates of each pool's mean are stored (random hyperplanes, Charikar 2002). Every search compares all pages by
  them: with the numbers of the query where the processor has a matrix unit, else with its signs, by counting bits.
- **4-bit codes**: every coordinate of every vector in 16 steps. A search compares them for the pages whose sign codes
  score best. They correct the errors of the sign codes, for a small part of the library.

Bytes are laid out for ``kernels``: 16 vectors at a time, four coordinates of each side by side.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from maxsight.retrieval import scoring
from maxsight.retrieval.kernels.loading import queries_are_binary
from maxsight.stores.ragged import SIGN_BYTES, CodedPage, PageCodes
from maxsight.types import Floats

SIGN_BITS = 8 * SIGN_BYTES
HADAMARD_SIZE = 64
ROTATION_ROUNDS = 2  # blocks of 64, mixed twice, reach all of 4,096 dimensions
STEPS = 16
STEP = 0.34
"""Width of a step, in standard deviations of a coordinate: 16 steps hold nearly all of a normal distribution."""
BLOCK = 16
"""Vectors whose 4-bit codes lie side by side."""
POOL_FACTOR = 4
"""Vectors in a pool, on average."""
MIN_POOLED_VECTORS = 64
"""Pages are not pooled to fewer vectors than this. Shorter pages are not pooled."""
CANDIDATES_PER_ROOT_PAGE, BINARY_CANDIDATES_PER_ROOT_PAGE = 30, 70
"""Candidates, divided by the square root of the number of pages; the second number is for binary queries.

Among 1,500, 10,000 and 100,000 pages that are hard to tell apart, 25 find 0.99 of the exact top 10. Binary queries
need 60. The rest is a margin."""
DEFAULT_LIMIT = 48
"""Pages that a search for a top 10 scores exactly."""


class PageCodec:
    """Encodes pages, and finds pages by their codes.

    Attributes:
        version: Codes of different versions are not comparable.
        dim: Dimensions of the vectors.
        rotated_dim: Dimensions of the rotated vectors.
    """

    version = 3

    def __init__(self, dim: int, seed: int = 0) -> None:
        """Draw the random rotation.

        Args:
            dim: Dimensions of the vectors.
            seed: Seed of the draw; ``version`` stands for the default.
        """
        self.dim = dim
        self.rotated_dim = max(SIGN_BITS, -(-dim // HADAMARD_SIZE) * HADAMARD_SIZE)
        random = np.random.default_rng(seed)
        self._rounds = [
            (
                random.permutation(self.rotated_dim),
                random.choice(np.array([-1, 1], np.float32), self.rotated_dim),
            )
            for _ in range(ROTATION_ROUNDS)
        ]
        self._mean = np.zeros(self.rotated_dim, np.float32)
        self._step = np.float32(STEP / np.sqrt(self.rotated_dim))

    def with_mean(self, mean: Floats) -> PageCodec:
        """Return the codec of a library whose vectors have this mean ``(dim,)``."""
        codec = copy(self)
        codec._mean = self.rotate(mean[None])[0]
        return codec

    def rotate(self, vectors: Floats) -> NDArray[np.float32]:
        """Rotate vectors ``(vectors, dim)``, which keeps lengths and angles. Shape ``(vectors, rotated_dim)``."""
        rotated = np.zeros((len(vectors), self.rotated_dim), np.float32)
        rotated[:, : self.dim] = vectors
        for order, flips in self._rounds:
            mixed = (rotated[:, order] * flips).reshape(-1, HADAMARD_SIZE) @ _hadamard()
            rotated = mixed.reshape(len(vectors), self.rotated_dim)
        return rotated

    def encode(self, vectors: Floats) -> CodedPage:
        """Code the vectors ``(vectors, dim)`` of a page."""
        rotated = self.rotate(vectors)
        pooled = _pool(vectors, rotated) - self._mean
        steps = np.floor((rotated - self._mean) / self._step + STEPS // 2).clip(0, STEPS - 1)
        signs = np.packbits(pooled[:, :SIGN_BITS] >= 0, axis=1, bitorder="little").view("<u8")  # (vectors, 2)
        return CodedPage(signs.T.reshape(-1).view(np.uint8), _pack(steps.astype(np.uint8)))

    def sign_bytes(self, vector_counts: NDArray[np.int64]) -> NDArray[np.int64]:
        """Count the bytes of the pages' pooled sign codes. Shape ``(pages,)`` each."""
        return SIGN_BYTES * _pooled_counts(vector_counts)

    def four_bit_bytes(self, vector_counts: NDArray[np.int64]) -> NDArray[np.int64]:
        """Count the bytes of the pages' 4-bit codes. Shape ``(pages,)`` each."""
        return -(-vector_counts // BLOCK) * (BLOCK * self.rotated_dim // 2)

    def best_pages(
        self, queries: Sequence[Floats], codes: PageCodes, limit: int, candidates: int | None = None
    ) -> list[NDArray[np.int64]]:
        """Find the pages with the highest MaxSim estimated from codes.

        Args:
            queries: Shape ``(query_tokens, dim)`` each.
            codes: Codes of the pages to choose from.
            limit: How many pages at most, for each query.
            candidates: How many pages to score by 4-bit codes; None for a number that finds nearly all.

        Returns:
            For each query, positions of pages with at least one vector, best first.
        """
        coded = [self._coded(query) for query in queries]
        filled = np.flatnonzero(codes.counts)
        wanted = max(limit, default_candidates(len(filled), limit) if candidates is None else candidates)
        if len(filled) <= wanted:
            chosen = [filled] * len(coded)
        else:
            counts = _pooled_counts(codes.counts)
            scores = scoring.score_signs([query.signs for query in coded], counts, codes.signs)
            chosen = [np.sort(np.argpartition(-row, wanted)[:wanted]) for row in scores]
        found = []
        for query, pages in zip(coded, chosen, strict=True):
            estimates = scoring.score_four_bit(
                query.four_bit, codes.counts[pages], codes.four_bit.take(pages)
            )
            found.append(pages[np.argsort(-estimates, kind="stable")[:limit]])
        return found

    def _coded(self, query: Floats) -> CodedQuery:
        rotated = self.rotate(query)
        signs = (rotated - self._mean)[:, :SIGN_BITS]
        return CodedQuery(_levels(signs), _levels(rotated))


@dataclass(frozen=True, slots=True, eq=False)
class CodedQuery:
    """A query in the form that each kind of code is compared with.

    Attributes:
        signs: For sign codes.
        four_bit: For 4-bit codes.
    """

    signs: scoring.QueryLevels
    four_bit: scoring.QueryLevels


def default_candidates(pages: int, limit: int = DEFAULT_LIMIT) -> int:
    """Return how many of the pages to score by 4-bit codes, for a search that needs ``limit`` of them."""
    per_root = BINARY_CANDIDATES_PER_ROOT_PAGE if queries_are_binary() else CANDIDATES_PER_ROOT_PAGE
    return min(pages, math.ceil(per_root * math.sqrt(pages * max(1.0, limit / DEFAULT_LIMIT))))


def candidates_on_this_machine(measured: int, *, binary_queries: bool) -> int:
    """Convert a number of candidates that was measured on another machine; binary queries need more of them.

    Args:
        measured: Candidates on that machine.
        binary_queries: Whether queries were binary there.
    """
    if binary_queries or not queries_are_binary():
        return measured
    return measured * BINARY_CANDIDATES_PER_ROOT_PAGE // CANDIDATES_PER_ROOT_PAGE


def _pooled_counts(vector_counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Count the pooled vectors of pages. Shape ``(pages,)`` each."""
    return np.minimum(vector_counts, np.maximum(MIN_POOLED_VECTORS, -(-vector_counts // POOL_FACTOR)))


def _pool(vectors: Floats, rotated: NDArray[np.float32]) -> NDArray[np.float32]:
    """Pool each vector with the most similar of some evenly spaced ones, and take the mean direction of each pool.

    Args:
        vectors: Vectors of a page, of unit norm. Shape ``(vectors, dim)``.
        rotated: The same, rotated. Shape ``(vectors, rotated_dim)``.

    Returns:
        Shape ``(pooled vectors, rotated_dim)``.
    """
    (count,) = _pooled_counts(np.array([len(vectors)])).tolist()
    if count == len(vectors):
        return rotated
    seeds = np.arange(count) * len(vectors) // count
    nearest = (vectors.astype(np.float32) @ vectors[seeds].T.astype(np.float32)).argmax(axis=1)
    order = np.argsort(nearest, kind="stable")
    pools, firsts = np.unique(nearest[order], return_index=True)
    means = rotated[seeds]  # an empty pool, whose seed is in another one, has the seed itself
    means[pools] = np.add.reduceat(rotated[order], firsts)
    lengths = np.linalg.norm(means, axis=1, keepdims=True)
    return np.asarray(means / np.maximum(lengths, np.finfo(np.float32).tiny))


def _levels(coordinates: NDArray[np.float32]) -> scoring.QueryLevels:
    """Round the coordinates ``(tokens, dim)`` of each token to -127..127."""
    reach = np.maximum(np.abs(coordinates).max(axis=1), np.finfo(np.float32).tiny)
    return scoring.QueryLevels(np.rint(coordinates / reach[:, None] * 127).astype(np.int8), reach)


def _pack(steps: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Pack steps ``(vectors, rotated_dim)`` by blocks; copies of the last vector fill the last block."""
    missing = -len(steps) % BLOCK
    padded = np.concatenate([steps, np.repeat(steps[-1:], missing, axis=0)])
    quads = padded.reshape(-1, BLOCK, steps.shape[1] // 4, 4).transpose(0, 2, 1, 3)
    half = quads.shape[1] // 2  # (blocks, quads, BLOCK, 4)
    return np.ascontiguousarray(quads[:, :half] | quads[:, half:] << 4).reshape(-1)


@cache
def _hadamard() -> NDArray[np.float32]:
    matrix = np.ones((1, 1), np.float32)
    while len(matrix) < HADAMARD_SIZE:
        matrix = np.block([[matrix, matrix], [matrix, -matrix]])
    return matrix / np.float32(np.sqrt(HADAMARD_SIZE))
