"""Use columns of a dataset from files mapped into memory.

Lance can write long values one after the other, with an index of the rows' offsets. It calls this layout "full zip":
https://docs.rs/crate/lance-encoding/14.0.2/source/src/encodings/logical/primitive/fullzip.rs. Such a
column is mapped into memory without a copy. Processes share the system's file cache, and only the pages of memory that
are used are read. Every row's layout is checked to the byte. Where it differs, callers read the column through Lance.
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

from maxsight.stores.ragged import PageBytes

_FULL_ZIP = "FullZipLayout"
_INDEX_TYPES = tuple(np.dtype(f"<u{size}") for size in (1, 2, 4, 8))
_LENGTHS = tuple(np.dtype(f"<u{size}") for size in (4, 8))


@dataclass(frozen=True, slots=True, eq=False)
class MappedColumn:
    """The rows of a column in one file.

    Attributes:
        buffer: The file. Shape ``(bytes,)``.
        starts: The offset where each row begins. Shape ``(rows,)``.
        ends: The offset where each row ends. Shape ``(rows,)``.
    """

    buffer: NDArray[np.uint8]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]

    def values(self, rows: NDArray[np.int64], sizes: NDArray[np.int64]) -> PageBytes | None:
        """Return binary values; None if a row has another size than it should.

        Args:
            rows: Which rows.
            sizes: The size of each value in bytes.
        """
        starts = self.starts[rows]
        held = self.ends[rows] - starts
        for length in _LENGTHS:
            if (held == sizes + length.itemsize).all():
                said = self.buffer[starts[:, None] + np.arange(length.itemsize)].view(length)[:, 0]
                return self._from(starts + length.itemsize) if (said == sizes.astype(length)).all() else None
        return None

    def items(
        self, rows: NDArray[np.int64], counts: NDArray[np.int64], item_bytes: int
    ) -> tuple[PageBytes, int] | None:
        """Return the first item of each list, and the bytes from one item to the next; None if the sizes do not fit.

        Args:
            rows: Which rows.
            counts: The number of items of each list.
            item_bytes: The size of one item. A byte or two before each item may mark the ends of lists.
        """
        starts = self.starts[rows]
        held, filled = self.ends[rows] - starts, counts > 0
        for before in range(3):
            if (held[filled] == counts[filled] * (item_bytes + before)).all():
                return self._from(starts + before), item_bytes + before
        return None

    def _from(self, starts: NDArray[np.int64]) -> PageBytes:
        return PageBytes((self.buffer,), np.zeros(len(starts), np.int32), starts)


def map_columns(
    folder: Path | None, fragment: lance.LanceFragment, field_ids: Sequence[int]
) -> list[MappedColumn | None]:
    """Map columns of a fragment; None for each that has another layout.

    Args:
        folder: The dataset; None if its files can't be mapped.
        fragment: A fragment of it.
        field_ids: Lance's numbers of the columns; of the innermost field if a column is nested.
    """
    if folder is None:
        return [None] * len(field_ids)
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
    """Return the offset of each row in a page of a column, and the end of the last; None for another layout."""
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
