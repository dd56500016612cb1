"""Many things cut into batches, by number or by size, so that each fits into one request."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")


def batched(items: Iterable[Item], limit: int) -> Iterator[list[Item]]:
    """Yield lists of at most ``limit`` items."""
    left = iter(items)
    while batch := list(islice(left, limit)):
        yield batch


def batched_by_size(
    items: Iterable[Item], size_of: Callable[[Item], int], limit: int
) -> Iterator[list[Item]]:
    """Yield lists of at most ``limit`` in total size. A larger item gets a list of its own."""
    batch: list[Item] = []
    total = 0
    for item in items:
        size = size_of(item)
        if batch and total + size > limit:
            yield batch
            batch, total = [], 0
        batch.append(item)
        total += size
    if batch:
        yield batch
