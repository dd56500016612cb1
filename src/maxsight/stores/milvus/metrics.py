"""How an index of Milvus compares two vectors, and what its numbers mean here: similarities, more is better."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maxsight.errors import StoreError
from maxsight.types import Floats, Similarity

MAX_SIM = "MAX_SIM_"
"""The prefix of a metric of embedding lists."""


class Metric(StrEnum):
    """The metric of an index, without the prefix of embedding lists."""

    IP = "IP"
    COSINE = "COSINE"
    L2 = "L2"

    @classmethod
    def read(cls, name: str, where: str) -> Metric:
        """Read the metric of an index.

        Raises:
            StoreError: Vectors are not compared by it here.
        """
        plain = name.upper().removeprefix(MAX_SIM)
        if plain == "MAX_SIM":  # the short name of MAX_SIM_COSINE
            return cls.COSINE
        if plain not in cls.__members__:
            raise StoreError(
                f"{where}: the vectors' index has the metric {name}",
                hint=f"maxsight scores by {', '.join(cls)}, each also as MAX_SIM_...",
            )
        return cls(plain)

    @property
    def similarity(self) -> Similarity:
        """How scores are computed here. For ``COSINE``, vectors are scaled to length 1 when they are read."""
        match self:
            case Metric.COSINE:
                return Similarity.INNER_PRODUCT
            case Metric.IP:
                return Similarity.INNER_PRODUCT_OF_ANY_LENGTH
        return Similarity.SQUARED_DISTANCE

    def to_similarity(self, distances: NDArray[np.float32]) -> NDArray[np.float32]:
        """Convert what a server calls distances: for ``L2`` they are squared distances, else similarities."""
        return -distances if self is Metric.L2 else distances

    def to_distance(self, similarity: float) -> float:
        """Convert a similarity to a server's bound."""
        return -similarity if self is Metric.L2 else similarity

    def to_scored(self, vectors: NDArray[Any]) -> Floats:
        """Convert stored vectors to those that are scored."""
        if self is not Metric.COSINE:
            return vectors
        norms = np.linalg.norm(vectors, axis=-1, keepdims=True)
        scaled: Floats = vectors / np.maximum(norms, np.finfo(np.float32).tiny)
        return scaled
