"""A page's vectors as one vector of fixed length, for classifiers and regressors.

Search does not use it: :mod:`~maxsight.encoders.token_pooling` makes a page's vectors fewer for search.
"""

from __future__ import annotations

from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from maxsight.errors import InputError
from maxsight.types import Floats


class Pooling(StrEnum):
    """How a page's vectors become one."""

    NONE = "none"
    """They do not: all vectors stay."""
    MEAN = "mean"
    MAX = "max"
    STD = "std"
    CONCAT = "concat"
    """Mean, maximum and standard deviation, one after the other."""

    def dim(self, dim: int) -> int:
        """Compute the length of the result for vectors of length ``dim``."""
        return 3 * dim if self is Pooling.CONCAT else dim


def pool_vectors(vectors: Floats, pooling: Pooling, *, ddof: int = 0) -> NDArray[np.float32]:
    """Pool one page's vectors, dimension by dimension.

    Sums are in float64, so that a long page loses no digits. Means of unit vectors are not scaled to unit length.

    Args:
        vectors: One page's, without padding. Shape ``(vectors, dim)``.
        pooling: Anything but ``NONE`` makes one vector.
        ddof: The standard deviation divides by ``n - ddof``: 0 for a population, as in numpy, 1 for a sample, as in
            torch. That of a single vector is 0.

    Returns:
        Shape ``(dim,)``, ``(3 * dim,)`` for ``CONCAT``, and ``(vectors, dim)`` for ``NONE``. float32.

    Raises:
        InputError: There are no vectors to pool.
    """
    if pooling is Pooling.NONE:
        return vectors.astype(np.float32, copy=False)
    if not len(vectors):
        raise InputError("a page without vectors can't be pooled")
    if pooling is Pooling.CONCAT:
        return np.concatenate(
            [pool_vectors(vectors, part, ddof=ddof) for part in (Pooling.MEAN, Pooling.MAX, Pooling.STD)]
        )
    if pooling is Pooling.MAX:
        return np.asarray(vectors.max(axis=0), np.float32)
    if pooling is Pooling.MEAN:
        return np.asarray(vectors.mean(axis=0, dtype=np.float64), np.float32)
    ddof = min(ddof, len(vectors) - 1)
    return np.asarray(vectors.std(axis=0, dtype=np.float64, ddof=ddof), np.float32)
