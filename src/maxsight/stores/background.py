"""What a query finds on any page of a library: the background that explanations are held against.

Of a query token, it is the best similarity on an average page. It is estimated from some queries and pages by ridge
regression, as a linear function of the token's vector: 129 numbers for vectors of 128 dimensions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from maxsight.types import Floats

RIDGE = 1.0
"""Shrinks to the same background for every token where few tokens were measured."""
MIN_PAGES = 2
MAX_GROWTH = 2
"""The estimate holds until the library has more than so many times its pages, or fewer than this part of them."""
_DIGITS = 5


@dataclass(frozen=True, slots=True)
class Background:
    """The estimate.

    Attributes:
        pages: Pages in the library when it was made.
        level: Of a token of no direction.
        weights: Added to the level for each dimension of a token. Shape ``(dim,)``.
    """

    pages: int
    level: float
    weights: tuple[float, ...]

    @classmethod
    def fit(cls, tokens: NDArray[np.float32], pages: Sequence[Floats], *, of_pages: int) -> Self:
        """Estimate it.

        Args:
            tokens: Vectors of queries. Shape ``(tokens, dim)``.
            pages: Vectors of at least ``MIN_PAGES`` pages. Shape ``(vectors, dim)`` each.
            of_pages: Pages in the library.
        """
        best = np.sort([(tokens @ page.astype(np.float32).T).max(axis=1) for page in pages], axis=0)
        usual = best[:-1].mean(axis=0)  # without the best page, which the query may be made of
        centre, level = tokens.mean(axis=0), float(usual.mean())
        spread = tokens - centre
        weights = np.linalg.solve(spread.T @ spread + RIDGE * np.eye(len(centre)), spread.T @ (usual - level))
        numbers = (round(float(weight), _DIGITS) for weight in weights)
        return cls(of_pages, round(level - float(centre @ weights), _DIGITS), tuple(numbers))

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Self:
        """Read one from the JSON of a manifest.

        Raises:
            TypeError: It is something else.
        """
        return cls(**{**stored, "weights": tuple(stored["weights"])})

    def usual(self, tokens: Floats) -> NDArray[np.float32]:
        """Estimate the best similarity of each token on an average page. Shape ``(tokens,)``."""
        return np.asarray(self.level + tokens @ np.array(self.weights, np.float32), np.float32)

    def holds_for(self, pages: int) -> bool:
        """Whether it can stand for a library that now has so many pages."""
        return self.pages <= MAX_GROWTH * pages and pages <= MAX_GROWTH * self.pages
