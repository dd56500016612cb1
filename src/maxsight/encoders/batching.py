"""Many short inputs to few batches: windows, paragraphs or pages of like length together. Knows no model.

Every encoder that cuts its input goes the same way. It cuts each page or query into windows, runs the windows of all
of them together, and pools or joins what belongs to one of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Item = TypeVar("Item")
Result = TypeVar("Result")


def run_together(
    groups: Sequence[Sequence[Item]], run: Callable[[list[Item]], Iterable[Result]]
) -> list[list[Result]]:
    """Run the items of all groups in one call.

    Args:
        groups: Such as the windows of each page.
        run: Makes one result of each item, in order.

    Returns:
        The results of each group.
    """
    results = iter(run([item for group in groups for item in group]))
    return [[next(results) for _ in group] for group in groups]


def pad(
    rows: Sequence[Sequence[int] | NDArray[np.int64]], padding: int = 0
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Stack rows of token ids, shorter ones filled up on the right.

    Returns:
        Ids, and a mask that is 1 where there is a token. Shape ``(rows, longest)`` each.
    """
    longest = max(map(len, rows))
    ids = np.full((len(rows), longest), padding, np.int64)
    mask = np.zeros_like(ids)
    for index, row in enumerate(rows):
        ids[index, : len(row)] = row
        mask[index, : len(row)] = 1
    return ids, mask


@dataclass(slots=True)
class BatchLimit:
    """How large a batch may be on one device. It only ever shrinks.

    Attributes:
        tokens: The most tokens, padding included.
        items: The most pages or windows.
    """

    tokens: int
    items: int

    def shrink(self, items: int, tokens: int) -> None:
        """Allow half of a batch that was too large."""
        self.items = max(1, items // 2)
        self.tokens = max(1, tokens // 2)


class Work:
    """Pages or windows that wait to be encoded, the longest first, shared by all devices.

    The longest come first: so a batch too large for the memory shows at once, and the devices finish together.

    Args:
        lengths: Tokens of each item.
        devices: How many devices share the work.
    """

    def __init__(self, lengths: Sequence[int], devices: int = 1) -> None:
        self._lengths = lengths
        self._share = math.ceil(len(lengths) / devices)
        self._lock = Lock()
        self._waiting: list[int] = []
        self.put_back(range(len(lengths)))

    def take(self, limit: BatchLimit) -> list[int]:
        """Take the next batch.

        Returns:
            Positions of items; empty when the work is done. An item longer than the limit comes alone.
        """
        with self._lock:
            if not self._waiting:
                return []
            longest = self._lengths[self._waiting[0]]
            count = max(1, min(limit.items, limit.tokens // longest, self._share))
            batch, self._waiting = self._waiting[:count], self._waiting[count:]
            return batch

    def put_back(self, positions: Sequence[int]) -> None:
        """Let items wait again."""
        with self._lock:
            waiting = {*self._waiting, *positions}
            self._waiting = sorted(waiting, key=lambda position: (-self._lengths[position], position))

    def abandon(self) -> None:
        """Let no device take any more of it."""
        with self._lock:
            self._waiting = []

    def padded_tokens(self, positions: Sequence[int]) -> int:
        """Count the tokens of a batch, padding included."""
        return max(self._lengths[position] for position in positions) * len(positions)
