"""The primary keys of a page's vectors: one run of whole numbers, known from the page's id.

::

    bit 62 ... 13   50 bits of the SHA-256 of the page id
    bit 12          which of the page's two places
    bit 11 ... 0    the vector's number on its page, 4,096 at most

A page that is written again goes to its other place, and its row then points there; so it is there all the time. That
two page ids share their 50 bits happens once in 200,000 libraries of 100,000 pages; it is noticed, and refused.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maxsight.types import MAX_VECTORS_PER_PAGE

HASH_BITS = 50
SEQUENCE_BITS = 12
PLACES = 1 << (HASH_BITS + 1)
"""Places are whole numbers below this, spread evenly."""

assert MAX_VECTORS_PER_PAGE <= 1 << SEQUENCE_BITS


def page_key(page_id: str, *, other_than: int | None = None) -> int:
    """The place of a page's vectors; with ``other_than``, the one of its two places that this is not."""
    digest = int.from_bytes(hashlib.sha256(page_id.encode()).digest()[:8], "big") >> (64 - HASH_BITS)
    first = digest << 1
    return first + 1 if other_than == first else first


def both_places(key: int) -> tuple[int, int]:
    """The two places of a page, given one of them."""
    return key & ~1, key | 1


def vector_keys(key: int, count: int) -> NDArray[np.int64]:
    """Primary keys of the vectors at a place. Shape ``(count,)``."""
    return (key << SEQUENCE_BITS) + np.arange(count, dtype=np.int64)


def place_of(vector_keys: NDArray[np.int64]) -> NDArray[np.int64]:
    """The places that vectors lie at."""
    return vector_keys >> SEQUENCE_BITS


def places(keys: Iterable[int]) -> str:
    """The expression for all that lies at some places, as far as it may reach."""
    return _ranges((key, 1 << SEQUENCE_BITS) for key in keys)


def vectors_of(rows: Iterable[Mapping[str, Any]]) -> str:
    """The expression for the vectors of pages, by their rows."""
    return _ranges((row["vectors_key"], row["vector_count"]) for row in rows)


def _ranges(runs: Iterable[tuple[int, int]]) -> str:
    starts = [(key << SEQUENCE_BITS, count) for key, count in runs]
    return " or ".join(f"(pk >= {start} and pk < {start + count})" for start, count in starts)
