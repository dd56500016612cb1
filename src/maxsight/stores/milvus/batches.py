"""Cuts items into batches that each fit into one request."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")


def cut_batches(
    items: Iterable[Item], limit: int, size_of: Callable[[Item], int] = lambda _: 1
) -> Iterator[list[Item]]:
    """Yield lists of at most ``limit`` items, or of that total size. A larger item gets a list of its own."""
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
