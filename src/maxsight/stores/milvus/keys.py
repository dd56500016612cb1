"""The primary keys of a page's vectors: consecutive numbers that follow from the page's id.

::

    bit 62 ... 13   the first 50 bits of the SHA-256 of the page id
    bit 12          which of the page's two places
    bit 11 ... 0    the vector's number on its page, below 4,096

Each page has two places. A page that is written again goes to its other place, and its row then points there, so one
whole version is always stored. The chance that two of 100,000 page ids share their 50 bits is 1 in 200,000; the second
page is refused.
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
"""Places are whole numbers below this, evenly spread."""

assert MAX_VECTORS_PER_PAGE <= 1 << SEQUENCE_BITS


def choose_place(page_id: str, *, other_than: int | None = None) -> int:
    """Choose the place of a page's vectors: its first one, or the one that is not ``other_than``."""
    digest = int.from_bytes(hashlib.sha256(page_id.encode()).digest()[:8], "big") >> (64 - HASH_BITS)
    first = digest << 1
    return first + 1 if other_than == first else first


def list_places(place: int) -> tuple[int, int]:
    """Return the two places of a page, given one of them."""
    return place & ~1, place | 1


def make_vector_keys(place: int, count: int) -> NDArray[np.int64]:
    """Make the primary keys of the vectors at a place. Shape ``(count,)``."""
    return (place << SEQUENCE_BITS) + np.arange(count, dtype=np.int64)


def to_places(vector_keys: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the place of each vector, by primary key."""
    return vector_keys >> SEQUENCE_BITS


def match_places(places: Iterable[int]) -> str:
    """Write the expression for all vectors at some places, however many there are."""
    return _ranges((place, 1 << SEQUENCE_BITS) for place in places)


def match_vectors(rows: Iterable[Mapping[str, Any]]) -> str:
    """Write the expression for the vectors of pages, given the pages' rows."""
    return _ranges((row["vectors_key"], row["vector_count"]) for row in rows)


def _ranges(runs: Iterable[tuple[int, int]]) -> str:
    starts = [(place << SEQUENCE_BITS, count) for place, count in runs]
    return " or ".join(f"(pk >= {start} and pk < {start + count})" for start, count in starts)
