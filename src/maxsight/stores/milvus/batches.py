"""Many things in requests of few: by number, or by what they take."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")


def batched(items: Iterable[Item], most: int) -> Iterator[list[Item]]:
    """Lists of at most so many."""
    left = iter(items)
    while some := list(islice(left, most)):
        yield some


def batched_by_size(items: Iterable[Item], size_of: Callable[[Item], int], most: int) -> Iterator[list[Item]]:
    """Lists that take at most so much together, or hold one thing that takes more."""
    some: list[Item] = []
    total = 0
    for item in items:
        size = size_of(item)
        if some and total + size > most:
            yield some
            some, total = [], 0
        some.append(item)
        total += size
    if some:
        yield some
