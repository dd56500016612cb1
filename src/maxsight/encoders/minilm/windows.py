"""Tokens to windows of bounded length, and windows to batches that waste little on padding."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

FIRST, LAST = 101, 102
"""The special tokens around each window."""

Window = NDArray[np.int64]


def cut_windows(ids: NDArray[np.int64], length: int) -> list[Window]:
    """Cut a text's tokens into windows of ``length``, the last one as long as it comes.

    Each is wrapped in the special tokens, which count towards ``length``.
    """
    step = length - 2
    return [
        np.concatenate([[FIRST], ids[start : start + step], [LAST]]) for start in range(0, len(ids), step)
    ]


def batch_windows(windows: Sequence[Window], max_tokens: int) -> Iterator[list[int]]:
    """Group windows of similar length.

    Args:
        windows: In any order.
        max_tokens: The most tokens of a batch, padding included; a longer window is a batch of its own.

    Yields:
        Positions in ``windows``; over all batches each comes once.
    """
    batch: list[int] = []
    for index in sorted(range(len(windows)), key=lambda index: -len(windows[index])):
        if batch and len(windows[batch[0]]) * (len(batch) + 1) > max_tokens:
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch


def pad(windows: Sequence[Window]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Stack windows, shorter ones filled up with zeros.

    Returns:
        Tokens and mask (1 where there is a token), each of shape ``(windows, longest)``.
    """
    longest = max(map(len, windows))
    ids = np.zeros((len(windows), longest), np.int64)
    mask = np.zeros_like(ids)
    for row, window in enumerate(windows):
        ids[row, : len(window)] = window
        mask[row, : len(window)] = 1
    return ids, mask
