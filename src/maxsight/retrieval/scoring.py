"""How pages score, by their codes and by their vectors: on every core, compiled where that pays.

Compiled or in numpy, the scores are the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from maxsight.errors import DimensionMismatchError, InputError
from maxsight.retrieval.loading import kernels_for
from maxsight.retrieval.maxsim import maxsim
from maxsight.settings import cpu_count
from maxsight.stores.ragged import SIGN_BYTES, PageBytes, PageCodes, PageVectors
from maxsight.threads import map_in_threads
from maxsight.types import Floats

BITS = 8 * SIGN_BYTES
WORTH = np.maximum(0, 1 - 2 * np.arange(BITS + 1, dtype=np.float32) / BITS) ** 2
"""What a token gives by how many bits differ. Squared, since what few bits tell about weak likeness is mostly noise."""
CHUNKS_PER_CORE, VECTORS_PER_CHUNK = 2, 4096


@dataclass(frozen=True, slots=True, eq=False)
class SignQuery:
    """A query as sign codes are compared with it.

    Attributes:
        words: Shape ``(query_tokens, 2)``, uint64.
        weights: Of each token. Shape ``(query_tokens,)``.
    """

    words: NDArray[np.uint64]
    weights: NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class FineQuery:
    """A query as fine codes are compared with it.

    Attributes:
        levels: Shape ``(query_tokens, turned_dim)``, int8.
        scales: What a level is worth, by token. Shape ``(query_tokens,)``.
    """

    levels: NDArray[np.int8]
    scales: NDArray[np.float32]


def score_signs(queries: Sequence[SignQuery], codes: PageCodes) -> NDArray[np.float32]:
    """Score pages by their sign codes, each page for all queries at once.

    Args:
        queries: How each is coded.
        codes: Of the pages.

    Returns:
        Shape ``(queries, pages)``; ``-inf`` for a page without vectors.
    """
    scores = np.empty((len(queries), len(codes.counts)), np.float32)
    if not len(queries):
        return scores
    compiled = kernels_for(codes.counts, sum(len(query.weights) for query in queries))
    if compiled is None:
        words = [(query, _tokens_apart(query.words)) for query in queries]

        def score(pages: slice) -> None:
            for page in range(pages.start, pages.stop):
                count = int(codes.counts[page])
                stored = codes.signs.page(page, SIGN_BYTES * count).view(np.uint64).reshape(2, 1, count)
                for number, (query, asked) in enumerate(words):
                    scores[number, page] = _sign_score(query, asked, stored)
    else:
        compare = compiled.sign_scorer([(query.words, query.weights) for query in queries], WORTH)
        addresses = codes.signs.addresses()

        def score(pages: slice) -> None:
            compare(addresses[pages], codes.counts[pages], scores[:, pages])

    _on_every_core(score, codes.counts)
    return scores


def score_fine(query: FineQuery, counts: NDArray[np.int64], fine: PageBytes) -> NDArray[np.float32]:
    """Score pages by their fine codes.

    Args:
        query: The query.
        counts: Vectors of each page. Shape ``(pages,)``.
        fine: Their fine codes.

    Returns:
        Shape ``(pages,)``; ``-inf`` for a page without vectors. Good for comparing pages, not for showing: what is
        the same for all pages is left out.
    """
    scores = np.empty(len(counts), np.float32)
    compiled = kernels_for(counts, len(query.scales))
    if compiled is None:

        def score(pages: slice) -> None:
            for page in range(pages.start, pages.stop):
                scores[page] = _fine_score(query, int(counts[page]), fine, page)
    else:
        compare, addresses = compiled.fine_scorer(query.levels, query.scales), fine.addresses()

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


def _tokens_apart(words: NDArray[np.uint64]) -> NDArray[np.uint64]:
    return words.T[:, :, None]  # (2, query_tokens, 1)


def _sign_score(query: SignQuery, asked: NDArray[np.uint64], stored: NDArray[np.uint64]) -> np.float32:
    if not stored.size:
        return np.float32(-np.inf)
    differing = np.bitwise_count(asked ^ stored).sum(axis=0, dtype=np.uint8)  # (query_tokens, vectors)
    return np.float32((query.weights * WORTH[differing.min(axis=1)]).sum())


def _fine_score(query: FineQuery, count: int, fine: PageBytes, page: int) -> np.float32:
    if not count:
        return np.float32(-np.inf)
    dim = query.levels.shape[1]
    blocks = -(-count // 16)
    packed = fine.page(page, blocks * 8 * dim).reshape(blocks, dim // 8, 16, 4)
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
