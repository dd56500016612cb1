"""Sign codes: 128 bits a vector, cheap enough to compare a query with every page of a library."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from maxsight.types import Floats

BITS = 128


class SignCodec:
    """Keeps the signs of 128 random directions.

    Attributes:
        version: Codes of different versions are not comparable.
    """

    version = 1

    def __init__(self, dim: int, seed: int = 0) -> None:
        """Draw the directions.

        Args:
            dim: Of the vectors.
            seed: Of the draw; part of what ``version`` stands for.
        """
        gaussian = np.random.default_rng(seed).standard_normal((max(dim, BITS), max(dim, BITS)))
        orthogonal, _ = np.linalg.qr(gaussian)
        self._directions = np.ascontiguousarray(orthogonal[:dim, :BITS], dtype=np.float32)  # (dim, BITS)

    def encode(self, vectors: Floats) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
        """Code vectors as two words each.

        Args:
            vectors: Shape ``(vectors, dim)``.

        Returns:
            The low and the high words. Shape ``(vectors,)`` each.
        """
        positive = vectors.astype(np.float32, copy=False) @ self._directions > 0  # (vectors, BITS)
        words = np.packbits(positive, axis=1, bitorder="little").view("<u8")  # (vectors, 2)
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
        filled = np.flatnonzero(np.diff(offsets))
        if not len(filled):
            return filled
        rotated = query.astype(np.float32, copy=False) @ self._directions  # (query_tokens, BITS)
        scores = np.empty(len(filled), dtype=np.float32)
        for start in range(0, len(filled), 64):
            pages = filled[start : start + 64]
            low, high = offsets[pages[0]], offsets[pages[-1] + 1]
            words = np.stack([code_lo[low:high], code_hi[low:high]], axis=1)
            bits = np.unpackbits(words.view(np.uint8), axis=1, bitorder="little")  # (vectors, BITS)
            similarity = rotated @ (bits.astype(np.float32) * 2 - 1).T  # (query_tokens, vectors)
            best = np.maximum.reduceat(similarity, offsets[pages] - low, axis=1)
            scores[start : start + 64] = best.sum(axis=0)
        order = np.argsort(-scores, kind="stable")[:limit]
        return filled[order]
