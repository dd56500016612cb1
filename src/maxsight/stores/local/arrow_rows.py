"""Rows of pages to and from Arrow tables.

Boxes are stored as ``x, y, width, height`` and spans as ``start, length``. Neighbours are then alike, and Lance packs
four coordinates into about four bytes.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from maxsight.stores import page_rows
from maxsight.stores.base import Codec, IndexedPage
from maxsight.stores.lance_sql import name_column, name_field
from maxsight.stores.local.lance_errors import UndecodableRowError
from maxsight.stores.page_rows import Row, metadata_checksum
from maxsight.types import Floats, Scalar


def to_row(page: IndexedPage, codec: Codec) -> Row:
    """Return all columns of a page that ``rounding.as_stored`` has made."""
    return page_rows.to_row(page) | code_row(codec, page.embedding.vectors) | metadata_row(page.metadata)


def metadata_row(metadata: Mapping[str, Scalar]) -> Row:
    """Return the columns of a page's metadata."""
    columns = {name_column(name): value for name, value in metadata.items()}
    return columns | {"metadata_checksum": metadata_checksum(metadata)}


def metadata_of(row: Row) -> dict[str, Scalar]:
    """Return the metadata in a row."""
    named = ((name_field(column), value) for column, value in row.items())
    return {name: value for name, value in named if name is not None and value is not None}


def code_row(codec: Codec, vectors: Floats) -> Row:
    """Return the columns of a page's codes."""
    page = codec.encode(vectors)
    codes = {"pooled_signs": page.signs, "four_bit_codes": page.four_bit, "code_version": codec.version}
    return codes | {"code_checksum": code_checksum(codes)}


def code_checksum(codes: Row) -> int:
    """Return the CRC-32 of a page's codes."""
    total = codes["code_version"] or 0
    for name in ("pooled_signs", "four_bit_codes"):
        total = zlib.crc32(b"" if codes[name] is None else codes[name], total)
    return total


def to_table(rows: Sequence[Row], schema: pa.Schema) -> pa.Table:
    """Lay rows out as a table with the given columns. A value that a row lacks is null."""
    arrays = [_to_array([row.get(column.name) for row in rows], column.type) for column in schema]
    return pa.Table.from_arrays(arrays, schema=schema)


def from_batch(batch: pa.RecordBatch) -> Iterator[Row]:
    """Return the rows of a stored batch.

    Raises:
        UndecodableRowError: Offsets or text make no sense.
    """
    try:
        columns = [_from_array(batch.column(index)) for index in range(batch.num_columns)]
    except (ValueError, IndexError) as error:
        raise UndecodableRowError(str(error)) from error
    for values in zip(*columns, strict=True):
        yield dict(zip(batch.schema.names, values, strict=True))


def _to_array(values: list[Any], kind: pa.DataType) -> pa.Array:
    if pa.types.is_struct(kind):  # boxes and spans: one list for each coordinate
        missing = pa.array([value is None for value in values])
        rows = [np.empty((0, kind.num_fields)) if value is None else value for value in values]
        lists = [
            _list_array([row[:, axis] for row in rows], kind[axis].type) for axis in range(kind.num_fields)
        ]
        return pa.StructArray.from_arrays(lists, fields=list(kind), mask=missing)
    if pa.types.is_list(kind):
        return _list_array(values, kind)
    if pa.types.is_large_binary(kind):
        values = [None if value is None else value.tobytes() for value in values]
    return pa.array(values, kind)


def _list_array(rows: Sequence[NDArray[Any]], kind: pa.ListType) -> pa.ListArray:
    offsets = np.cumsum([0, *map(len, rows)], dtype=np.int32)
    flat = np.concatenate(rows) if rows else np.empty(0)
    if pa.types.is_fixed_size_list(kind.value_type):
        coordinates = pa.array(flat.reshape(-1), kind.value_type.value_type)
        values = pa.FixedSizeListArray.from_arrays(coordinates, type=kind.value_type)
    else:
        values = pa.array(flat.astype(kind.value_type.to_pandas_dtype()), kind.value_type)
    return pa.ListArray.from_arrays(offsets, values, type=kind)


def _from_array(column: pa.Array) -> list[Any]:
    kind = column.type
    if pa.types.is_struct(kind):
        lists = [_split(child) for child in column.flatten()]
        rows: list[Any] = [np.stack(axes, axis=1) for axes in zip(*lists, strict=True)]
        return [
            row if valid else None for row, valid in zip(rows, column.is_valid().to_pylist(), strict=True)
        ]
    if pa.types.is_list(kind):
        return _split(column)
    values: list[Any] = column.to_pylist()
    if pa.types.is_large_binary(kind):
        return [None if value is None else np.frombuffer(value, np.uint8) for value in values]
    return values


def _split(column: pa.ListArray) -> list[NDArray[Any]]:
    """Return the list of each row as an array."""
    if pa.types.is_fixed_size_list(column.values.type):
        flat = np.asarray(column.values.flatten()).reshape(-1, column.values.type.list_size)
    else:
        flat = np.asarray(column.values)
    return [flat[start:end] for start, end in pairwise(column.offsets.to_pylist())]
