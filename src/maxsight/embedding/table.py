"""The content of a file of vectors, whatever its format."""

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
        start: Its first row in the folder of the run.
        count: Number of rows; one where vectors are pooled.
    """

    file: str
    page_number: int
    start: int
    count: int


@dataclass(frozen=True, slots=True)
class VectorTable:
    """Vectors of pages. They are read page by page while they are written, so that they need not fit in memory.

    Attributes:
        pages: In the order of the file.
        read: Reads one page's vectors. Shape ``(count, dim)``, float32.
        dim: Length of every vector.
        is_pooled: Whether each page is one vector.
        about: What made the vectors. It is written to the file.
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
        """The first row of each page in the file, and the number of rows. Shape ``(pages + 1,)``."""
        return np.concatenate([[0], np.cumsum([page.count for page in self.pages])]).astype(np.int64)

    def blocks(self) -> Iterator[NDArray[np.float32]]:
        """Read the pages' vectors in order."""
        return map(self.read, self.pages)
