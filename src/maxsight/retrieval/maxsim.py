"""MaxSim, the score of late interaction (ColBERT, Khattab and Zaharia 2020, equation 3).

This is the reference, written to be read. ``scoring`` computes the same faster and is tested against it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from maxsight.errors import DimensionMismatchError, InputError
from maxsight.types import Floats


def maxsim(query: Floats, pages: Sequence[Floats]) -> NDArray[np.float32]:
    """Score pages against one query by late interaction.

    Each query token picks its most similar vector; the picks are summed:
    ``score[n] = sum_q max_p <query[q], pages[n][p]>``.

    A page's score depends on that page alone: neither padding nor batch mates may
    change it.

    Args:
        query: Unit-norm token embeddings. Shape ``(query_tokens, dim)``.
        pages: Unit-norm vectors, one array per page. Shape ``(vectors, dim)`` each;
            ``vectors`` may differ from page to page. A page without vectors scores ``-inf``:
            it is never found.

    Returns:
        Similarity per page, higher is better. Shape ``(pages,)``, float32, within
        ``[-query_tokens, query_tokens]``. Compare scores within one query only: the
        scale grows with the number of query tokens.

    Raises:
        DimensionMismatchError: Query and page were embedded in different spaces.
        InputError: The query has no vectors.
    """
    check_query(query)
    scores = np.full(len(pages), -np.inf, dtype=np.float32)
    for index, page in enumerate(pages):
        if page.ndim != 2 or page.shape[1] != query.shape[1]:
            raise DimensionMismatchError(
                f"the query has {query.shape[1]} dimensions, the page's vectors have shape {page.shape}"
            )
        if len(page):
            similarity = (
                query.astype(np.float32) @ page.astype(np.float32, copy=False).T
            )  # (query_tokens, vectors)
            scores[index] = similarity.max(axis=1).sum()
    return scores


def check_query(query: Floats) -> None:
    """Refuse a query that is not ``(query_tokens, dim)``."""
    if query.ndim != 2 or not len(query):
        raise InputError(f"a query is (query_tokens, dim) with at least one token, got shape {query.shape}")
