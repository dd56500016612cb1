"""Codes of vectors, cheap enough to compare a query with every page of a library.

Vectors are first turned: signs flipped at random, and mixed by Hadamard matrices, which spreads what a vector says
evenly over its coordinates at the cost of few additions (Ailon and Chazelle 2009). Of the turned vector, less the
library's centre, two codes are kept:

- **the outline**: a quarter of the vectors gather those that are most like them, and of each group's mean 128
  coordinates are kept as signs: on which side of zero they lie (random hyperplanes, Charikar 2002). The query's
  coordinates meet those of every page; where there is no matrix unit, their signs do, by counting bits that differ.
- **fine codes**: every coordinate of every vector in 16 steps. Those of the pages whose outlines promise most are
  compared with the query in bytes. What outlines get wrong, these put right for a small part of the library.

Bytes are laid out for ``kernels``: 16 vectors at a time, four coordinates of each side by side.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from maxsight.retrieval import scoring
from maxsight.retrieval.kernels.loading import queries_are_rounded
from maxsight.stores.ragged import SIGN_BYTES, PageCodes
from maxsight.types import Floats

BITS = 8 * SIGN_BYTES
HADAMARD = 64
ROUNDS = 2  # blocks of 64, mixed twice, reach all of 4,096 dimensions
STEPS = 16
STEP = 0.34
"""The width of a step, in standard deviations of a coordinate: 16 of these hold nearly all of a normal curve."""
BLOCK = 16
"""Vectors whose fine codes lie side by side, and whose signs meet a query together."""
GROUP, SHORT = 4, 64
"""Vectors that one of an outline stands for, and how many it has at least: shorter pages are their own outline."""
USUAL, USUAL_IF_ROUNDED = 30, 70
"""Candidates, times the root of the number of pages. Among 1,500, 10,000 and 100,000 pages that are hard to tell apart,
25 find 0.99 of the exact top 10, and so do 60 where queries are rounded to signs too; the rest is caution."""
USUAL_LIMIT = 48
"""Pages that are wanted of the candidates for a top 10."""


class PageCodec:
    """Makes the codes of pages, and finds pages by them.

    Attributes:
        version: Codes of different versions are not comparable.
    """

    version = 3

    def __init__(self, dim: int, seed: int = 0) -> None:
        """Draw what the turn needs.

        Args:
            dim: Of the vectors.
            seed: Of the draw; ``version`` stands for the default.
        """
        self.dim = dim
        self.turned_dim = max(BITS, -(-dim // HADAMARD) * HADAMARD)
        random = np.random.default_rng(seed)
        self._rounds = [
            (
                random.permutation(self.turned_dim),
                random.choice(np.array([-1, 1], np.float32), self.turned_dim),
            )
            for _ in range(ROUNDS)
        ]
        self._centre = np.zeros(self.turned_dim, np.float32)
        self._step = np.float32(STEP / np.sqrt(self.turned_dim))

    def centred(self, centre: Floats) -> PageCodec:
        """The codec of a library whose vectors lie around ``centre`` ``(dim,)``."""
        centred = object.__new__(type(self))
        centred.__dict__ |= self.__dict__ | {"_centre": self.turn(centre[None])[0]}
        return centred

    def turn(self, vectors: Floats) -> NDArray[np.float32]:
        """Turn vectors ``(vectors, dim)``; lengths and angles stay. Shape ``(vectors, turned_dim)``."""
        turned = np.zeros((len(vectors), self.turned_dim), np.float32)
        turned[:, : self.dim] = vectors
        for order, flips in self._rounds:
            mixed = (turned[:, order] * flips).reshape(-1, HADAMARD) @ _hadamard()
            turned = mixed.reshape(len(vectors), self.turned_dim)
        return turned

    def encode(self, vectors: Floats) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Code the vectors of a page.

        Args:
            vectors: Shape ``(vectors, dim)``.

        Returns:
            Its outline, the first words of all signs and then the second words, and its fine codes. As bytes.
        """
        turned = self.turn(vectors)
        outline = _outline(vectors, turned) - self._centre
        steps = np.floor((turned - self._centre) / self._step + STEPS // 2).clip(0, STEPS - 1)
        return _words(outline[:, :BITS] >= 0).T.reshape(-1).view(np.uint8), _pack(steps.astype(np.uint8))

    def outline_bytes(self, vector_counts: NDArray[np.int64]) -> NDArray[np.int64]:
        """How many bytes the outlines of pages take. Shape ``(pages,)`` each."""
        return SIGN_BYTES * _outline_counts(vector_counts)

    def fine_bytes(self, vector_counts: NDArray[np.int64]) -> NDArray[np.int64]:
        """How many bytes the fine codes of pages take. Shape ``(pages,)`` each."""
        return -(-vector_counts // BLOCK) * (BLOCK * self.turned_dim // 2)

    def best_pages(
        self, queries: Sequence[Floats], codes: PageCodes, limit: int, candidates: int | None = None
    ) -> list[NDArray[np.int64]]:
        """Find the pages whose codes promise the best MaxSim.

        Args:
            queries: Shape ``(query_tokens, dim)`` each.
            codes: Of the pages to choose from.
            limit: How many at most, for each query.
            candidates: How many pages' fine codes are looked at; None for a number that finds nearly all.

        Returns:
            For each query, positions of pages with at least one vector, best first.
        """
        coded = [self._coded(query) for query in queries]
        filled = np.flatnonzero(codes.counts)
        wanted = max(limit, usual_candidates(len(filled), limit) if candidates is None else candidates)
        if len(filled) <= wanted:
            likely = [filled] * len(coded)
        else:
            counts = _outline_counts(codes.counts)
            scores = scoring.score_signs([query.signs for query in coded], counts, codes.outline)
            likely = [np.sort(_best(row, wanted)) for row in scores]
        found = []
        for query, pages in zip(coded, likely, strict=True):
            close = scoring.score_fine(query.fine, codes.counts[pages], codes.fine.take(pages))
            found.append(pages[np.argsort(-close, kind="stable")[:limit]])
        return found

    def _coded(self, query: Floats) -> CodedQuery:
        turned = self.turn(query)
        around = (turned - self._centre)[:, :BITS]
        return CodedQuery(scoring.SignQuery(*_levels(around)), scoring.FineQuery(*_levels(turned)))


@dataclass(frozen=True, slots=True, eq=False)
class CodedQuery:
    """A query as each kind of code is compared with it."""

    signs: scoring.SignQuery
    fine: scoring.FineQuery


def usual_candidates(pages: int, limit: int = USUAL_LIMIT) -> int:
    """How many of some pages' fine codes are looked at, if nobody says: more where more than the usual are wanted."""
    usual = USUAL_IF_ROUNDED if queries_are_rounded() else USUAL
    return min(pages, math.ceil(usual * math.sqrt(pages * max(1.0, limit / USUAL_LIMIT))))


def candidates_here(measured: int, *, rounded: bool) -> int:
    """As many candidates as do on this machine what they did where they were measured.

    Args:
        measured: How many they were.
        rounded: Whether queries were rounded to signs there.
    """
    if rounded or not queries_are_rounded():
        return measured
    return measured * USUAL_IF_ROUNDED // USUAL


def _outline_counts(vector_counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Of how many vectors the outlines of pages are. Shape ``(pages,)`` each."""
    return np.minimum(vector_counts, np.maximum(SHORT, -(-vector_counts // GROUP)))


def _outline(vectors: Floats, turned: NDArray[np.float32]) -> NDArray[np.float32]:
    """Gather vectors around some of them, and take the mean direction of each group.

    Args:
        vectors: Of a page, of unit norm. Shape ``(vectors, dim)``.
        turned: The same, turned. Shape ``(vectors, turned_dim)``.

    Returns:
        Shape ``(outline vectors, turned_dim)``.
    """
    (count,) = _outline_counts(np.array([len(vectors)])).tolist()
    if count == len(vectors):
        return turned
    middles = np.arange(count) * len(vectors) // count
    nearest = (vectors.astype(np.float32) @ vectors[middles].T.astype(np.float32)).argmax(axis=1)
    order = np.argsort(nearest, kind="stable")
    groups, firsts = np.unique(nearest[order], return_index=True)
    means = turned[middles]  # one that another outdoes gathers none
    means[groups] = np.add.reduceat(turned[order], firsts)
    lengths = np.linalg.norm(means, axis=1, keepdims=True)
    return np.asarray(means / np.maximum(lengths, np.finfo(np.float32).tiny))


def _levels(coordinates: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Coordinates ``(tokens, dim)`` as whole numbers up to 127, and what the largest of each token stands for."""
    reach = np.maximum(np.abs(coordinates).max(axis=1), np.finfo(np.float32).tiny)
    return np.rint(coordinates / reach[:, None] * 127).astype(np.int8), reach


def _best(scores: NDArray[np.float32], count: int) -> NDArray[np.int64]:
    """Positions of the highest scores, in any order."""
    return np.argpartition(-scores, count)[:count]


def _words(bits: NDArray[np.bool_]) -> NDArray[np.uint64]:
    """Bits ``(vectors, BITS)`` as words ``(vectors, 2)``."""
    words: NDArray[np.uint64] = np.packbits(bits, axis=1, bitorder="little").view("<u8")
    return words


def _pack(steps: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Steps ``(vectors, turned_dim)`` as bytes, by blocks; the last vector fills up the last block."""
    missing = -len(steps) % BLOCK
    padded = np.concatenate([steps, np.repeat(steps[-1:], missing, axis=0)])
    quads = padded.reshape(-1, BLOCK, steps.shape[1] // 4, 4).transpose(0, 2, 1, 3)
    half = quads.shape[1] // 2  # (blocks, quads, BLOCK, 4)
    return np.ascontiguousarray(quads[:, :half] | quads[:, half:] << 4).reshape(-1)


@cache
def _hadamard() -> NDArray[np.float32]:
    matrix = np.ones((1, 1), np.float32)
    while len(matrix) < HADAMARD:
        matrix = np.block([[matrix, matrix], [matrix, -matrix]])
    return matrix / np.float32(np.sqrt(HADAMARD))
