"""Sign codes: 128 bits a vector, cheap enough to compare a query with every page of a library.

A vector's code keeps on which side of 128 random directions it lies (random hyperplanes, Charikar 2002). The query
is rounded to a few bits per direction, so that its similarity to a code is a weighted count of differing bits
(RaBitQ, Gao and Long 2024, section 3.3). Pages are found in two steps: one bit per direction against every code,
then two bits against the codes of the best of those. The second step forgives much of what the first gets wrong,
at a price that does not grow with the library.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from maxsight.threads import map_in_threads
from maxsight.types import Floats

BITS = 128
FINE_BITS = 2
SHORTLIST_PER_HIT = 3
VECTORS_PER_CHUNK = 65536  # both words and their counts stay in the cache of one core


class SignCodec:
    """Codes vectors by the signs of 128 random directions, orthogonal as far as the dimension allows.

    Attributes:
        version: Codes of different versions are not comparable.
    """

    version = 1

    def __init__(self, dim: int, seed: int = 0) -> None:
        """Draw the directions.

        Args:
            dim: Of the vectors.
            seed: Of the draw; ``version`` stands for the default.
        """
        size = max(dim, BITS)
        gaussian = np.random.default_rng(seed).standard_normal((size, size))
        orthogonal, triangle = np.linalg.qr(gaussian)
        orthogonal *= np.sign(np.diag(triangle))  # the one choice that LAPACKs may make differently
        self._directions = np.ascontiguousarray(orthogonal[:dim, :BITS], dtype=np.float32)  # (dim, BITS)

    def encode(self, vectors: Floats) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
        """Code vectors as two words each.

        Args:
            vectors: Shape ``(vectors, dim)``.

        Returns:
            The low and the high words. Shape ``(vectors,)`` each.
        """
        words = _pack(vectors.astype(np.float32, copy=False) @ self._directions >= 0)
        return np.ascontiguousarray(words[:, 0]), np.ascontiguousarray(words[:, 1])

    def best_pages(
        self,
        query: Floats,
        code_lo: NDArray[np.uint64],
        code_hi: NDArray[np.uint64],
        offsets: NDArray[np.int64],
        limit: int,
    ) -> NDArray[np.int64]:
        """Find the pages whose codes promise the best MaxSim.

        Args:
            query: Shape ``(query_tokens, dim)``.
            code_lo: Low words of all pages, end to end. Shape ``(vectors,)``.
            code_hi: High words, likewise.
            offsets: Page ``n`` owns ``offsets[n]:offsets[n + 1]``. Shape ``(pages + 1,)``.
            limit: How many at most.

        Returns:
            Positions of pages with at least one vector, best first.
        """
        pages = np.flatnonzero(np.diff(offsets))
        if not len(pages):
            return pages
        starts = offsets[pages]
        rotated = query.astype(np.float32, copy=False) @ self._directions  # (query_tokens, BITS)
        shortlist = SHORTLIST_PER_HIT * limit
        if len(pages) > shortlist:
            scores = code_scores(round_query(rotated, 1), code_lo, code_hi, starts)
            pages = np.sort(pages[np.argpartition(-scores, shortlist)[:shortlist]])
            owned = [slice(*offsets[page : page + 2]) for page in pages]
            code_lo = np.concatenate([code_lo[own] for own in owned])
            code_hi = np.concatenate([code_hi[own] for own in owned])
            starts = np.cumsum([0] + [own.stop - own.start for own in owned[:-1]])
        scores = code_scores(round_query(rotated, FINE_BITS), code_lo, code_hi, starts)
        return pages[np.argsort(-scores, kind="stable")[:limit]]


@dataclass(frozen=True, slots=True, eq=False)
class RoundedQuery:
    """A query rounded to odd levels, ``-(2**bits - 1) .. 2**bits - 1`` in steps of two, bit by bit.

    Attributes:
        planes: For each token and bit, lowest first, two words. Shape ``(query_tokens, bits, 2)``.
        scales: What one level is worth, per token. Shape ``(query_tokens,)``.
    """

    planes: NDArray[np.uint64]
    scales: NDArray[np.float32]


def round_query(rotated: NDArray[np.float32], bits: int) -> RoundedQuery:
    """Round a query.

    Args:
        rotated: The query along the directions of the codes. Shape ``(query_tokens, BITS)``.
        bits: Per direction, 1 to 8.
    """
    reach = np.maximum(np.abs(rotated).max(axis=1, keepdims=True), np.finfo(np.float32).tiny)
    steps = np.floor((rotated / reach + 1) * 2 ** (bits - 1)).clip(0, 2**bits - 1).astype(np.uint8)
    planes = np.stack([_pack(steps >> bit & 1 == 1) for bit in range(bits)], axis=1)
    levels = 2 * steps.astype(np.float32) - (2**bits - 1)
    scales = (rotated * levels).sum(axis=1) / (levels * levels).sum(axis=1)  # least squares
    return RoundedQuery(planes, scales.astype(np.float32))


def code_scores(
    query: RoundedQuery,
    code_lo: NDArray[np.uint64],
    code_hi: NDArray[np.uint64],
    starts: NDArray[np.int64],
) -> NDArray[np.float32]:
    """Score pages by MaxSim of the rounded query with codes read as vectors of plus and minus one.

    Args:
        query: The query.
        code_lo: Low words of the pages, end to end. Shape ``(vectors,)``.
        code_hi: High words, likewise.
        starts: Where each page begins; none is empty. Shape ``(pages,)``.

    Returns:
        Score per page, higher is better. Shape ``(pages,)``.
    """
    ends = np.append(starts[1:], len(code_lo))
    scores = np.empty(len(starts), dtype=np.float32)

    def score(chunk: slice) -> None:
        own = slice(starts[chunk.start], ends[chunk.stop - 1])
        scores[chunk] = _score_chunk(query, code_lo[own], code_hi[own], starts[chunk] - own.start)

    for _ in map_in_threads(
        score, _chunks(starts, ends)
    ):  # numpy lets go of the interpreter's lock in all of it
        pass
    return scores


def _score_chunk(
    query: RoundedQuery,
    code_lo: NDArray[np.uint64],
    code_hi: NDArray[np.uint64],
    starts: NDArray[np.int64],
) -> NDArray[np.float32]:
    bits = query.planes.shape[1]
    scores = np.zeros(len(starts), dtype=np.float32)
    words = np.empty_like(code_lo)
    for planes, scale in zip(query.planes, query.scales, strict=True):
        # Most weighted plane first: double, and add the next.
        differing: NDArray[np.uint8 | np.uint16]
        differing = np.zeros(len(words), np.uint8 if bits == 1 else np.uint16)
        for plane_lo, plane_hi in planes[::-1]:
            if bits > 1:
                differing <<= 1
            differing += np.bitwise_count(np.bitwise_xor(code_lo, plane_lo, out=words))
            differing += np.bitwise_count(np.bitwise_xor(code_hi, plane_hi, out=words))
        fewest = np.minimum.reduceat(differing, starts)
        scores += scale * (BITS * (2**bits - 1) - 2 * fewest.astype(np.float32))
    return scores


def _pack(bits: NDArray[np.bool_]) -> NDArray[np.uint64]:
    """Bits ``(vectors, BITS)`` as words ``(vectors, 2)``."""
    words: NDArray[np.uint64] = np.packbits(bits, axis=1, bitorder="little").view("<u8")
    return words


def _chunks(starts: NDArray[np.int64], ends: NDArray[np.int64]) -> Iterator[slice]:
    """Runs of pages that make up about one chunk of vectors."""
    first = 0
    while first < len(starts):
        last = int(np.searchsorted(ends, starts[first] + VECTORS_PER_CHUNK, side="right"))
        last = max(first + 1, last)
        yield slice(first, last)
        first = last
