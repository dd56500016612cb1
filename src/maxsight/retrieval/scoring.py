"""How pages score, by their codes and by their vectors: on every core, compiled where that pays.

Compiled or in numpy, the scores are the same, but for signs on a processor without a matrix unit: there a query is
rounded to signs too, which counting bits is quick with, and more candidates have to make up for it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from maxsight.errors import DimensionMismatchError, InputError
from maxsight.retrieval.kernels.loading import kernels_for
from maxsight.retrieval.maxsim import maxsim
from maxsight.stores.ragged import SIGN_BYTES, PageBytes, PageVectors
from maxsight.threads import cpu_count, map_in_threads
from maxsight.types import Floats

CHUNKS_PER_CORE, VECTORS_PER_CHUNK = 2, 4096


@dataclass(frozen=True, slots=True, eq=False)
class SignQuery:
    """A query as sign codes are compared with it.

    What a token gives is the square of its levels' sum, each with the sign of the vector's coordinate: what little
    agreement tells about weak likeness is mostly noise.

    Attributes:
        levels: Of its first 128 rotated coordinates. Shape ``(query_tokens, 128)``, int8.
        scales: What a level is worth, by token. Shape ``(query_tokens,)``.
    """

    levels: NDArray[np.int8]
    scales: NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class FourBitQuery:
    """A query as 4-bit codes are compared with it.

    Attributes:
        levels: Shape ``(query_tokens, rotated_dim)``, int8.
        scales: What a level is worth, by token. Shape ``(query_tokens,)``.
    """

    levels: NDArray[np.int8]
    scales: NDArray[np.float32]


def score_signs(
    queries: Sequence[SignQuery], counts: NDArray[np.int64], signs: PageBytes
) -> NDArray[np.float32]:
    """Score pages by signs of vectors, each page for all queries at once.

    Args:
        queries: How each is coded.
        counts: Vectors of each page whose signs there are. Shape ``(pages,)``.
        signs: ``SIGN_BYTES`` a vector: the first words of all, then the second words.

    Returns:
        Shape ``(queries, pages)``; ``-inf`` for a page without vectors.
    """
    scores = np.empty((len(queries), len(counts)), np.float32)
    if not len(queries):
        return scores
    compiled = kernels_for(counts, sum(len(query.scales) for query in queries))
    if compiled is None:
        known = [_known(query) for query in queries]

        def score(pages: slice) -> None:
            for page in range(pages.start, pages.stop):
                count = int(counts[page])
                words = signs.page(page, SIGN_BYTES * count).reshape(2, count, SIGN_BYTES // 2)
                bits = np.unpackbits(words.transpose(1, 0, 2), axis=-1, bitorder="little")
                stored = bits.reshape(count, 8 * SIGN_BYTES).T.astype(np.float32)
                for number, query in enumerate(known):
                    scores[number, page] = _sign_score(*query, stored)
    else:
        compare = compiled.sign_scorer([(query.levels, query.scales) for query in queries])
        addresses = signs.addresses()

        def score(pages: slice) -> None:
            compare(addresses[pages], counts[pages], scores[:, pages])

    _on_every_core(score, counts)
    return scores


def score_four_bit(query: FourBitQuery, counts: NDArray[np.int64], codes: PageBytes) -> NDArray[np.float32]:
    """Score pages by their 4-bit codes.

    Args:
        query: The query.
        counts: Vectors of each page. Shape ``(pages,)``.
        codes: Their 4-bit codes.

    Returns:
        Shape ``(pages,)``; ``-inf`` for a page without vectors. Good for comparing pages, not for showing: what is
        the same for all pages is left out.
    """
    scores = np.empty(len(counts), np.float32)
    compiled = kernels_for(counts, len(query.scales))
    if compiled is None:

        def score(pages: slice) -> None:
            for page in range(pages.start, pages.stop):
                scores[page] = _four_bit_score(query, int(counts[page]), codes, page)
    else:
        compare, addresses = compiled.four_bit_scorer(query.levels, query.scales), codes.addresses()

        def score(pages: slice) -> None:
            compare(addresses[pages], counts[pages], scores[pages])

    _on_every_core(score, counts)
    return scores


def score_exact(query: Floats, pages: PageVectors) -> NDArray[np.float32]:
    """Score pages by MaxSim of their stored vectors. The same numbers as ``maxsim``, up to rounding.

    Args:
        query: Shape ``(query_tokens, dim)``.
        pages: Their vectors.

    Returns:
        Shape ``(pages,)``; ``-inf`` for a page without vectors.

    Raises:
        DimensionMismatchError: Query and pages were embedded in different spaces.
        InputError: The query has no vectors.
    """
    if query.ndim != 2 or not len(query):
        raise InputError(f"a query is (query_tokens, dim) with at least one token, got shape {query.shape}")
    if query.shape[1] != pages.dim:
        raise DimensionMismatchError(
            f"the query has {query.shape[1]} dimensions, the pages' vectors have {pages.dim}"
        )
    scores = np.empty(len(pages), np.float32)
    compiled = kernels_for(pages.counts, len(query))
    if compiled is None:

        def score(part: slice) -> None:
            scores[part] = maxsim(query, [pages[page] for page in range(part.start, part.stop)])
    else:
        compare, addresses = compiled.exact_scorer(query), pages.data.addresses()

        def score(part: slice) -> None:
            compare(addresses[part], pages.strides[part], pages.counts[part], scores[part])

    _on_every_core(score, pages.counts)
    return scores


def _known(query: SignQuery) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """What pages have in common: the levels, their sum, and what the square of what agrees is worth, by token."""
    levels = query.levels.astype(np.float32)
    return levels, levels.sum(axis=1), query.scales / np.maximum(1, np.abs(levels).sum(axis=1))


def _sign_score(
    levels: NDArray[np.float32],
    totals: NDArray[np.float32],
    factors: NDArray[np.float32],
    stored: NDArray[np.float32],
) -> np.float32:
    if not stored.size:
        return np.float32(-np.inf)
    agreeing = np.maximum(0, 2 * (levels @ stored).max(axis=1) - totals)  # whole numbers
    return np.float32((factors * agreeing * agreeing).sum())


def _four_bit_score(query: FourBitQuery, count: int, codes: PageBytes, page: int) -> np.float32:
    if not count:
        return np.float32(-np.inf)
    dim = query.levels.shape[1]
    blocks = -(-count // 16)
    packed = codes.page(page, blocks * 8 * dim).reshape(blocks, dim // 8, 16, 4)
    quads = np.concatenate([packed & 15, packed >> 4], axis=1)  # (blocks, dim / 4, 16, 4)
    steps = quads.transpose(0, 2, 1, 3).reshape(blocks * 16, dim)
    products = query.levels.astype(np.float32) @ steps.astype(np.float32).T  # whole numbers below 2**24
    return np.float32((query.scales * products.max(axis=1)).sum())


def _on_every_core(score: Callable[[slice], None], counts: NDArray[np.int64]) -> None:
    """Call ``score`` with runs of pages of about as many vectors each."""
    ends = np.cumsum(counts)
    total = int(ends[-1]) if len(ends) else 0
    parts = min(CHUNKS_PER_CORE * cpu_count(), len(counts), 1 + total // VECTORS_PER_CHUNK)
    edges = [0, *np.searchsorted(ends, total * np.arange(1, parts) / max(parts, 1)), len(counts)]
    runs = [slice(int(start), int(stop)) for start, stop in pairwise(edges) if start < stop]
    if len(runs) == 1:
        score(runs[0])
        return
    for _ in map_in_threads(score, runs):
        pass
