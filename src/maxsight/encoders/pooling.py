"""A page's vectors as one vector of fixed length, for classifiers and regressors.

Search does not use it. Making a page's vectors fewer but keeping what each stands for is
:mod:`~maxsight.encoders.token_pooling`.
"""

from __future__ import annotations

from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from maxsight.errors import InputError
from maxsight.types import Floats


class Pooling(StrEnum):
    """What is kept of a page's vectors."""

    NONE = "none"
    """All of them."""
    MEAN = "mean"
    MAX = "max"
    STD = "std"
    CONCAT = "concat"
    """Mean, maximum and standard deviation, one after the other."""

    def dim(self, dim: int) -> int:
        """Length of what becomes of vectors of length ``dim``."""
        return 3 * dim if self is Pooling.CONCAT else dim


def pool_vectors(vectors: Floats, pooling: Pooling) -> NDArray[np.float32]:
    """Pool one page's vectors, dimension by dimension.

    The standard deviation is that of a whole population (divided by ``n``), of the differences from the mean. Sums
    are formed in float64, so that neither a bfloat16 model nor a long page costs digits. Means of unit vectors are
    not of unit length, and are left so.

    Args:
        vectors: One page's, without padding. Shape ``(vectors, dim)``.
        pooling: Anything but ``NONE`` makes one vector.

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
        each = (Pooling.MEAN, Pooling.MAX, Pooling.STD)
        return np.concatenate([pool_vectors(vectors, part) for part in each])
    if pooling is Pooling.MAX:
        return np.asarray(vectors.max(axis=0), np.float32)
    measure = np.mean if pooling is Pooling.MEAN else np.std
    return np.asarray(measure(vectors, axis=0, dtype=np.float64), np.float32)
