"""Pools the patches of a page with weights: OCR depends on how the page looks where its text is.

A mean hides a blurred corner. Quantiles over the ink show it: how sharp, dark and even the worst tenth of the ink is.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from maxsight.encoders.patches import STATISTICS
from maxsight.types import Floats

QUANTILES = (0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.98)
TEXT_PARTS = (
    "mean by edges",
    "mean by ink",
    "std by ink",
    *(f"{share:.0%} quantile by ink" for share in QUANTILES),
)
"""The results of `pool_by_text` for each statistic, in this order."""


def pool_by_text(vectors: Floats) -> NDArray[np.float64]:
    """Pool a page's patches by their text. Shape ``(len(TEXT_PARTS) * len(STATISTICS),)``.

    Args:
        vectors: Values of `STATISTICS`, at least one row. Shape ``(patches, len(STATISTICS))``.
    """
    values = np.asarray(vectors, np.float64)
    edges, ink = weigh_by_text(values)
    mean = ink @ values / ink.sum()
    deviation = np.sqrt(ink @ (values - mean) ** 2 / ink.sum())
    return np.concatenate(
        [edges @ values / edges.sum(), mean, deviation, compute_quantiles(values, ink).ravel()]
    )


def weigh_by_text(vectors: Floats) -> tuple[Floats, Floats]:
    """Estimate the text in each patch: by strong edges, and by ink in the shape of characters.

    Noise has edges without characters; a blot has neither.

    Returns:
        Shape ``(patches,)`` each.
    """
    names = ("edges", "deviation", "ink_local", "character_ink_local")
    edges, deviation, ink, share = (vectors[:, STATISTICS.index(name)] for name in names)
    return edges * deviation + 1e-3, ink * share + 1e-3


def compute_quantiles(values: NDArray[np.float64], weights: Floats) -> NDArray[np.float64]:
    """Find the smallest value of each column with the given share of weight at or below it.

    Returns:
        Shape ``(len(QUANTILES), columns)``.
    """
    return np.quantile(values, QUANTILES, axis=0, weights=weights, method="inverted_cdf")
