"""Columns of pages, where their bytes lie: in memory, or in files mapped into it.

Pages differ in length. Their bytes lie in one buffer per file. Kernels use addresses. Other code takes a page at a
time, as an array that keeps its buffer alive.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from maxsight.types import Floats

SIGN_BYTES = 16
"""Bytes of a vector's sign code."""
NORM_TOLERANCE, SQUARED_NORM_TOLERANCE = 1e-2, 2e-2
"""How far the norm of a stored vector, and its square, may be from 1: it is rounded to float16."""


def are_unit(norms: NDArray[np.floating[Any]]) -> bool:
    """Return whether all norms are 1, up to the rounding to float16. NaN is not."""
    return bool((np.abs(norms - 1) <= NORM_TOLERANCE).all())


@dataclass(frozen=True, slots=True, eq=False)
class PageBytes:
    """The bytes of some pages.

    Attributes:
        buffers: Memory that holds them. Shape ``(bytes,)`` each.
        buffer_of: Number of each page's buffer. Shape ``(pages,)``.
        starts: First byte of each page in its buffer. Shape ``(pages,)``.
    """

    buffers: tuple[NDArray[np.uint8], ...]
    buffer_of: NDArray[np.int32]
    starts: NDArray[np.int64]

    def addresses(self) -> NDArray[np.int64]:
        """Return the address of each page. Valid as long as this object lives."""
        bases = np.array([buffer.ctypes.data for buffer in self.buffers], np.int64)
        return bases[self.buffer_of] + self.starts if len(self.starts) else self.starts

    def take(self, pages: NDArray[np.int64]) -> Self:
        """Take some of the pages, by position."""
        return type(self)(self.buffers, self.buffer_of[pages], self.starts[pages])

    @classmethod
    def concatenate(cls, parts: Sequence[PageBytes]) -> Self:
        """Concatenate the pages of several, without copying their bytes."""
        buffers = tuple(buffer for part in parts for buffer in part.buffers)
        before = np.cumsum([0, *(len(part.buffers) for part in parts)])
        buffer_of = [part.buffer_of + first for part, first in zip(parts, before, strict=False)]
        starts = [part.starts for part in parts]
        return cls(
            buffers,
            np.concatenate([np.empty(0, np.int32), *buffer_of]).astype(np.int32),
            np.concatenate([np.empty(0, np.int64), *starts]),
        )

    @classmethod
    def from_arrays(cls, pages: Sequence[NDArray[np.generic]]) -> Self:
        """Copy arrays, one per page, into one buffer."""
        flat = [np.ascontiguousarray(page).reshape(-1).view(np.uint8) for page in pages]
        starts = np.cumsum([0, *map(len, flat)], dtype=np.int64)[:-1]
        buffer = np.concatenate([np.empty(0, np.uint8), *flat])
        return cls((buffer,), np.zeros(len(flat), np.int32), starts)


@dataclass(frozen=True, slots=True, eq=False)
class CodedPage:
    """The codes of one page.

    Attributes:
        signs: Pooled sign codes: the first words of all, then the second words. Shape ``(bytes,)``.
        four_bit: 4-bit codes of all vectors, as the codec lays them out. Shape ``(bytes,)``.
    """

    signs: NDArray[np.uint8]
    four_bit: NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class PageCodes:
    """The codes of some pages.

    Attributes:
        counts: Vectors of each page. Shape ``(pages,)``.
        signs: Pooled sign codes, see ``CodedPage``.
        four_bit: 4-bit codes.
    """

    counts: NDArray[np.int64]
    signs: PageBytes
    four_bit: PageBytes


@dataclass(frozen=True, slots=True, eq=False)
class PageVectors:
    """The stored vectors of some pages: a sequence of arrays ``(vectors, dim)``, float16.

    Attributes:
        page_ids: One per page.
        counts: Vectors of each page. Shape ``(pages,)``.
        data: Bytes from the first value of each page on.
        strides: Bytes from one vector of a page to the next. Shape ``(pages,)``.
        dim: Dimensions of the vectors.
    """

    page_ids: tuple[str, ...]
    counts: NDArray[np.int64]
    data: PageBytes
    strides: NDArray[np.int64]
    dim: int

    def __len__(self) -> int:
        return len(self.page_ids)

    def __getitem__(self, page: int) -> Floats:
        count, stride = int(self.counts[page]), int(self.strides[page])
        if not count:
            return np.empty((0, self.dim), np.float16)
        buffer, start = self.data.buffers[self.data.buffer_of[page]], int(self.data.starts[page])
        return np.ndarray((count, self.dim), np.float16, buffer, start, (stride, 2))

    def __iter__(self) -> Iterator[Floats]:
        return (self[page] for page in range(len(self)))

    def take(self, pages: NDArray[np.int64]) -> Self:
        """Take some of the pages, by position."""
        names = tuple(self.page_ids[page] for page in pages.tolist())
        return type(self)(names, self.counts[pages], self.data.take(pages), self.strides[pages], self.dim)

    @classmethod
    def from_arrays(cls, page_ids: Sequence[str], pages: Sequence[Floats], dim: int) -> Self:
        """Copy arrays, one per page."""
        counts = np.array([len(page) for page in pages], np.int64)
        data = PageBytes.from_arrays([page.astype(np.float16, copy=False) for page in pages])
        return cls(tuple(page_ids), counts, data, np.full(len(pages), dim * 2, np.int64), dim)

    @classmethod
    def concatenate(cls, parts: Sequence[PageVectors], dim: int) -> Self:
        """Concatenate the pages of several, without copying their vectors."""
        return cls(
            tuple(page_id for part in parts for page_id in part.page_ids),
            np.concatenate([np.empty(0, np.int64), *(part.counts for part in parts)]),
            PageBytes.concatenate([part.data for part in parts]),
            np.concatenate([np.empty(0, np.int64), *(part.strides for part in parts)]),
            dim,
        )
