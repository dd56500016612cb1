"""Scores of pages by their codes and by their vectors, on every core.

Compiled or in numpy, scores are equal up to rounding, with one exception: sign scores on a processor without a matrix
unit. The compiled kernel counts bits there, so it reduces queries to signs, and searches take more candidates.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from maxsight.errors import DimensionMismatchError
from maxsight.retrieval.kernels.loading import kernels_for
from maxsight.retrieval.maxsim import check_query
from maxsight.stores.ragged import PageBytes, PageVectors
from maxsight.threads import cpu_count, map_in_threads
from maxsight.types import Floats

CHUNKS_PER_CORE, MIN_VECTORS_PER_CHUNK = 2, 4096


@dataclass(frozen=True, slots=True, eq=False)
class QueryLevels:
    """A query as codes are compared with it: rotated coordinates, rounded to -127..127.

    Attributes:
        levels: The coordinates, the first 128 of them for sign codes. Shape ``(query_tokens, rotated_dim)``, int8.
        scales: The coordinate that 127 stands for, by token. Shape ``(query_tokens,)``.
    """

    levels: NDArray[np.int8]
    scales: NDArray[np.float32]


def score_signs(
    queries: Sequence[QueryLevels], counts: NDArray[np.int64], signs: PageBytes
) -> NDArray[np.float32]:
    """Score pages by sign codes, each page for all queries at once; see ``reference.sign_scorer``.

    Args:
        queries: What to compare with.
        counts: Vectors of each page that have signs. Shape ``(pages,)``.
        signs: ``SIGN_BYTES`` a vector: the first words of all, then the second words.

    Returns:
        Shape ``(queries, pages)``; ``-inf`` for a page without vectors.
    """
    scores = np.empty((len(queries), len(counts)), np.float32)
    if len(queries):
        kernels = kernels_for(counts, sum(len(query.scales) for query in queries))
        score = kernels.sign_scorer([(query.levels, query.scales) for query in queries])
        addresses = signs.addresses()
        _on_every_core(lambda pages: score(addresses[pages], counts[pages], scores[:, pages]), counts)
    return scores


def score_four_bit(query: QueryLevels, counts: NDArray[np.int64], codes: PageBytes) -> NDArray[np.float32]:
    """Score pages by 4-bit codes.

    Args:
        query: What to compare with.
        counts: Vectors of each page. Shape ``(pages,)``.
        codes: Their 4-bit codes.

    Returns:
        Shape ``(pages,)``; ``-inf`` for a page without vectors. Only differences between pages are
        meaningful: a constant is left out.
    """
    scores = np.empty(len(counts), np.float32)
    score = kernels_for(counts, len(query.scales)).four_bit_scorer(query.levels, query.scales)
    addresses = codes.addresses()
    _on_every_core(lambda pages: score(addresses[pages], counts[pages], scores[pages]), counts)
    return scores


def score_exact(query: Floats, pages: PageVectors) -> NDArray[np.float32]:
    """Score pages by MaxSim of their stored vectors: the numbers of ``maxsim``, up to rounding.

    Args:
        query: Shape ``(query_tokens, dim)``.
        pages: Their vectors.

    Returns:
        Shape ``(pages,)``; ``-inf`` for a page without vectors, NaN for one with a vector that is not of unit norm.

    Raises:
        DimensionMismatchError: Query and pages were embedded in different spaces.
        InputError: The query has no vectors.
    """
    check_query(query)
    if query.shape[1] != pages.dim:
        raise DimensionMismatchError(
            f"the query has {query.shape[1]} dimensions, the pages' vectors have {pages.dim}"
        )
    scores = np.empty(len(pages), np.float32)
    score = kernels_for(pages.counts, len(query)).exact_scorer(query)
    addresses, strides, counts = pages.data.addresses(), pages.strides, pages.counts
    _on_every_core(lambda part: score(addresses[part], strides[part], counts[part], scores[part]), counts)
    return scores


def _on_every_core(score: Callable[[slice], None], counts: NDArray[np.int64]) -> None:
    """Call ``score`` with runs of pages of about as many vectors each."""
    ends = np.cumsum(counts)
    total = int(ends[-1]) if len(ends) else 0
    parts = min(CHUNKS_PER_CORE * cpu_count(), len(counts), 1 + total // MIN_VECTORS_PER_CHUNK)
    edges = [0, *np.searchsorted(ends, total * np.arange(1, parts) / max(parts, 1)), len(counts)]
    runs = [slice(int(start), int(stop)) for start, stop in pairwise(edges) if start < stop]
    if len(runs) == 1:
        score(runs[0])
        return
    for _ in map_in_threads(score, runs):
        pass
