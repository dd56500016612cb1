"""Formats of files of vectors: npz, safetensors, Parquet. Each is written page by page and read without pickle."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any
from zipfile import ZipFile, ZipInfo

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from maxsight.errors import InputError
from maxsight.writing import check_suffix

ROW_GROUP_BYTES = 64_000_000
MAX_HEADER_BYTES = 100_000_000  # what readers of safetensors accept
_SAFETENSORS_TYPES = {"<f4": "F32", "<i4": "I32", "<i8": "I64"}


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


def write_npz(table: VectorTable, file: Path) -> None:
    """Write arrays: ``vectors``, ``files`` and ``pages``, ``offsets`` unless pooled, and ``about`` (JSON)."""
    with ZipFile(file, "w") as archive:
        with archive.open(ZipInfo("vectors.npy"), "w", force_zip64=True) as entry:
            header = {"descr": "<f4", "fortran_order": False, "shape": table.shape}
            np.lib.format.write_array_header_1_0(entry, header)
            for block in table.blocks():
                entry.write(_bytes(block))
        arrays = _positions(table) | {
            "files": np.array([page.file for page in table.pages], dtype=np.str_),
            "about": np.array(json.dumps(dict(table.about))),
        }
        for name, array in arrays.items():
            with archive.open(ZipInfo(f"{name}.npy"), "w", force_zip64=True) as entry:
                np.lib.format.write_array(entry, array, allow_pickle=False)


def write_safetensors(table: VectorTable, file: Path) -> None:
    """Write tensors: ``vectors``, ``pages``, ``offsets`` unless pooled; ``files`` (JSON) and more in the metadata.

    Raises:
        InputError: There are more file names than readers of the format accept.
    """
    positions = _positions(table)
    layout = {"vectors": (np.dtype("<f4"), table.shape)} | {
        name: (tensor.dtype, tensor.shape) for name, tensor in positions.items()
    }
    files = json.dumps([page.file for page in table.pages])
    header: dict[str, Any] = {"__metadata__": {**table.about, "files": files}}
    start = 0
    for name, (dtype, shape) in layout.items():
        end = start + dtype.itemsize * math.prod(shape)
        header[name] = {"dtype": _SAFETENSORS_TYPES[dtype.str], "shape": shape, "data_offsets": (start, end)}
        start = end
    written = json.dumps(header).encode()
    written += b" " * (-len(written) % 8)  # so that tensors are aligned
    if len(written) > MAX_HEADER_BYTES:
        raise InputError(
            f"safetensors can't hold the names of {len(table.pages):,} pages",
            hint="Write a Parquet file: the same command with --out in .parquet.",
        )
    with file.open("wb") as out:
        out.write(len(written).to_bytes(8, "little"))
        out.write(written)
        for array in chain(table.blocks(), positions.values()):
            out.write(_bytes(array))


def write_parquet(table: VectorTable, file: Path) -> None:
    """Write rows: ``file``, ``page``, ``vector``, and unless pooled ``vector_index``; more in the schema's metadata."""
    columns = [("file", pa.string()), ("page", pa.int32())]
    if not table.is_pooled:
        columns.append(("vector_index", pa.int32()))
    columns.append(("vector", pa.list_(pa.float32(), table.dim)))
    schema = pa.schema(columns, metadata=dict(table.about))
    with pq.ParquetWriter(file, schema, compression="zstd", use_dictionary=["file"]) as writer:
        for pages in _row_groups(table):
            writer.write_batch(_record_batch(pages, table, schema))


def _row_groups(table: VectorTable) -> Iterator[list[PageRows]]:
    max_rows = max(1, ROW_GROUP_BYTES // (4 * table.dim))
    group: list[PageRows] = []
    rows = 0
    for page in table.pages:
        group.append(page)
        rows += page.count
        if rows >= max_rows:
            yield group
            group, rows = [], 0
    if group:
        yield group


def _record_batch(pages: list[PageRows], table: VectorTable, schema: pa.Schema) -> pa.RecordBatch:
    counts = [page.count for page in pages]
    values = np.concatenate([table.read(page) for page in pages])
    columns: dict[str, Any] = {
        "file": np.repeat([page.file for page in pages], counts),
        "page": np.repeat(np.array([page.page_number for page in pages], np.int32), counts),
        "vector_index": np.concatenate([np.arange(count, dtype=np.int32) for count in counts]),
        "vector": pa.FixedSizeListArray.from_arrays(pa.array(values.reshape(-1)), table.dim),
    }
    return pa.record_batch([columns[name] for name in schema.names], schema=schema)


def _positions(table: VectorTable) -> dict[str, NDArray[Any]]:
    """Give the arrays that say which rows belong to which page."""
    pages: dict[str, NDArray[Any]] = {"pages": np.array([page.page_number for page in table.pages], "<i4")}
    return pages if table.is_pooled else pages | {"offsets": table.offsets.astype("<i8")}


def _bytes(array: NDArray[Any]) -> memoryview:
    return np.ascontiguousarray(array, array.dtype.newbyteorder("<")).reshape(-1).view(np.uint8).data


FORMATS: dict[str, Callable[[VectorTable, Path], None]] = {
    ".npz": write_npz,
    ".parquet": write_parquet,
    ".safetensors": write_safetensors,
}
"""The function that writes a file, by suffix."""


def writer_of(file: Path) -> Callable[[VectorTable, Path], None]:
    """Find the function that writes a file.

    Raises:
        InputError: The suffix is of another format.
    """
    check_suffix(file, FORMATS, "vectors are")
    return FORMATS[file.suffix.lower()]
