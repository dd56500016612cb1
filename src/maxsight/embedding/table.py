"""What goes into a file of vectors, before it is known what kind of file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class PageRows:
    """The rows of one page.

    Attributes:
        file: Its file, as it was named or found, with forward slashes.
        page_number: From 1.
        start: Its first row, wherever they are kept.
        count: How many: one where vectors are pooled.
    """

    file: str
    page_number: int
    start: int
    count: int


@dataclass(frozen=True, slots=True)
class VectorTable:
    """Vectors of pages, read only as they are written, so that they need not fit in memory.

    Attributes:
        pages: In the order of the file.
        read: Reads one page's vectors. Shape ``(count, dim)``, float32.
        dim: Length of every vector.
        is_pooled: Whether each page is one vector.
        about: What made them, for whoever finds the file later.
    """

    pages: Sequence[PageRows]
    read: Callable[[PageRows], NDArray[np.float32]]
    dim: int
    is_pooled: bool
    about: Mapping[str, str]

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and dims."""
        return sum(page.count for page in self.pages), self.dim

    @property
    def offsets(self) -> NDArray[np.int64]:
        """Where each page's rows begin and the last one's end. Shape ``(pages + 1,)``."""
        return np.concatenate([[0], np.cumsum([page.count for page in self.pages])]).astype(np.int64)

    def blocks(self) -> Iterator[NDArray[np.float32]]:
        """The pages' vectors in order."""
        return map(self.read, self.pages)
