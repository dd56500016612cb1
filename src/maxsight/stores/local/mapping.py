"""Columns of a dataset's files seen where they lie, without reading them.

Lance writes long values as they are, one row after the other, and an index of where each row begins ("full zip").
Such a column can be used from the file mapped into memory: nothing is copied, all processes share what the system
keeps of the file, and what is not looked at is not read. Whether a column lies so is checked to the byte for every
row; where it does not, callers read it as usual.
"""

from __future__ import annotations

import mmap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lance
import numpy as np
from lance.file import LanceFileReader
from numpy.typing import NDArray

_FULL_ZIP = "FullZipLayout"
_INDEX_TYPES = tuple(np.dtype(f"<u{size}") for size in (1, 2, 4, 8))
_LENGTHS = tuple(np.dtype(f"<u{size}") for size in (4, 8))


@dataclass(frozen=True, slots=True, eq=False)
class MappedColumn:
    """The rows of a column in one file.

    Attributes:
        buffer: The file. Shape ``(bytes,)``.
        starts: Where each row begins. Shape ``(rows,)``.
        ends: Where it ends. Shape ``(rows,)``.
    """

    buffer: NDArray[np.uint8]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]

    def values(self, rows: NDArray[np.int64], sizes: NDArray[np.int64]) -> NDArray[np.int64] | None:
        """Where the values of rows of bytes begin; None where a row does not hold as many as it should.

        Args:
            rows: Which rows.
            sizes: How many bytes each value has.
        """
        starts = self.starts[rows]
        held = self.ends[rows] - starts
        for length in _LENGTHS:
            if (held == sizes + length.itemsize).all():
                said = self.buffer[starts[:, None] + np.arange(length.itemsize)].view(length)[:, 0]
                return starts + length.itemsize if (said == sizes.astype(length)).all() else None
        return None

    def items(
        self, rows: NDArray[np.int64], counts: NDArray[np.int64], item_bytes: int
    ) -> tuple[NDArray[np.int64], int] | None:
        """Where the first items of rows of lists begin, and how far apart items lie; None where that can't be.

        Args:
            rows: Which rows.
            counts: How many items each list has.
            item_bytes: Of one item. Before it there may be a byte or two about where lists end.
        """
        starts = self.starts[rows]
        held, filled = self.ends[rows] - starts, counts > 0
        for before in range(3):
            if (held[filled] == counts[filled] * (item_bytes + before)).all():
                return starts + before, item_bytes + before
        return None


def map_columns(
    folder: Path, fragment: lance.LanceFragment, field_ids: Sequence[int]
) -> list[MappedColumn | None]:
    """Columns of a fragment, each None where it does not lie as it would have to.

    Args:
        folder: The dataset.
        fragment: Some of its rows.
        field_ids: Lance's numbers for the columns, of the innermost field where they are nested.
    """
    rows = fragment.metadata.physical_rows
    found: dict[int, MappedColumn | None] = {}
    for file in fragment.metadata.files:
        wanted = [field for field in field_ids if field in file.fields]
        if wanted:
            path = folder / "data" / file.path
            columns, buffer = LanceFileReader(str(path)).metadata().columns, _map(path)
            for field in wanted:
                column = columns[file.column_indices[file.fields.index(field)]]
                found[field] = _mapped(buffer, column.pages, rows)
    return [found.get(field) for field in field_ids]


def _map(path: Path) -> NDArray[np.uint8]:
    with path.open("rb") as file:
        return np.frombuffer(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ), np.uint8)


def _mapped(buffer: NDArray[np.uint8], pages: Sequence[Any], rows: int) -> MappedColumn | None:
    edges = [_edges(buffer, page) for page in pages]
    known = [part for part in edges if part is not None]
    if len(known) < len(edges) or sum(len(part) - 1 for part in known) != rows:
        return None
    starts = np.concatenate([np.empty(0, np.int64), *(part[:-1] for part in known)])
    ends = np.concatenate([np.empty(0, np.int64), *(part[1:] for part in known)])
    return MappedColumn(buffer, starts, ends)


def _edges(buffer: NDArray[np.uint8], page: Any) -> NDArray[np.int64] | None:
    """Where each row of a page of a column begins, and where the last one ends."""
    if _FULL_ZIP not in page.encoding or len(page.buffers) != 2:
        return None
    data, index = page.buffers
    stored = buffer[index.position : index.position + index.size]
    for kind in _INDEX_TYPES:
        if len(stored) % kind.itemsize == 0:
            edges = stored.view(kind).astype(np.int64)
            if edges[0] == 0 and edges[-1] == data.size and (np.diff(edges) >= 0).all():
                moved: NDArray[np.int64] = edges + data.position
                return moved
    return None
