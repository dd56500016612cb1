"""A page's score in shares: how much each token of the query and each vector of the page gave."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from maxsight.errors import InputError
from maxsight.types import PageEmbedding, QueryEmbedding

GAIN_STEP = 2.0**-24
"""The resolution of float32 just below 1. Sums of such steps are exact in float64, so shares add up to the score."""


@dataclass(frozen=True, slots=True, eq=False)
class Attribution:
    """A page's score in shares. They sum to the score exactly, in any order.

    Attributes:
        similarities: Of every query token and every vector. Shape ``(query_tokens, vectors)``.
        best: The most similar vector of each query token. Shape ``(query_tokens,)``.
        gains: What each query token gave to the score, in steps of ``GAIN_STEP``. Shape ``(query_tokens,)``.
    """

    similarities: NDArray[np.float32]
    best: NDArray[np.intp]
    gains: NDArray[np.float64]

    @property
    def score(self) -> float:
        """Exact MaxSim."""
        return float(self.gains.sum())

    @property
    def vector_gains(self) -> NDArray[np.float64]:
        """What each vector of the page gave to the score. Shape ``(vectors,)``."""
        vectors = self.similarities.shape[1]
        return np.bincount(self.best, weights=self.gains, minlength=vectors).astype(np.float64)


def attribute(query: QueryEmbedding, embedding: PageEmbedding) -> Attribution:
    """Split a page's score into shares.

    Raises:
        InputError: The page has no vectors.
    """
    if not len(embedding.vectors):
        raise InputError("the page has no vectors, so nothing on it can match")
    similarities = query.compare(embedding.vectors)
    best = similarities.argmax(axis=1)
    picked = similarities[np.arange(len(best)), best].astype(np.float64)
    return Attribution(similarities, best, np.rint(picked / GAIN_STEP) * GAIN_STEP)
