"""Parquet and Arrow files, a few rows at a time: how much memory they take does not depend on their size.

Arrow files are the streams that the library ``datasets`` saves, and Arrow's files (Feather).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from maxsight.errors import UnreadableDocumentError
from maxsight.tables import Row, check_columns

_BUFFER_BYTES = 2**20
_PLAIN: Sequence[Callable[[pa.DataType], bool]] = (
    pa.types.is_string,
    pa.types.is_large_string,
    pa.types.is_integer,
    pa.types.is_floating,
    pa.types.is_boolean,
)


def read_columnar(path: Path, columns: Sequence[str], first: int, at_once: int) -> Iterator[Row]:
    """Read the rows of a file from one on.

    Args:
        path: The file.
        columns: The columns to read.
        first: How many rows to pass over. Only the row group or batch of the first one is read from its start.
        at_once: Rows in memory at a time.

    Raises:
        UnreadableDocumentError: The file is damaged, or has no such columns.
    """
    with _opened(path) as table:
        check_columns(path, table.schema.names, columns)
        number = first
        for batch in table.batches(columns, first, at_once):
            batch.validate(
                full=True
            )  # a damaged file may hold offsets out of bounds, and bytes that are no text
            cells = [_cells(batch.column(name)) for name in columns]
            for values in zip(*cells, strict=True):
                number += 1
                yield Row(number, dict(zip(columns, values, strict=True)), "row")


def column_names(path: Path, *, plain: bool = False) -> list[str]:
    """List a file's columns; with ``plain`` those that hold text, numbers, or true and false.

    Raises:
        UnreadableDocumentError: The file can't be read.
    """
    with _opened(path) as table:
        return [column.name for column in table.schema if not plain or _is_plain(column.type)]


def _is_plain(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):  # categories of pandas
        kind = kind.value_type
    return any(is_kind(kind) for is_kind in _PLAIN)


def count_rows(path: Path) -> int:
    """Count the rows of a file, without reading them.

    Raises:
        UnreadableDocumentError: The file can't be read.
    """
    with _opened(path) as table:
        return table.count()


class _Parquet:
    def __init__(self, path: Path) -> None:
        # Without pre_buffer, a row group is read as it is decoded: those of images can have gigabytes.
        self._file = pq.ParquetFile(path, pre_buffer=False, buffer_size=_BUFFER_BYTES)
        self.schema = self._file.schema_arrow

    def count(self) -> int:
        return int(self._file.metadata.num_rows)

    def batches(self, columns: Sequence[str], first: int, at_once: int) -> Iterator[pa.RecordBatch]:
        metadata, start = self._file.metadata, 0
        for group in range(metadata.num_row_groups):
            end = start + metadata.row_group(group).num_rows
            if end > first:
                for batch in self._file.iter_batches(at_once, row_groups=[group], columns=list(columns)):
                    passed = min(max(first - start, 0), len(batch))
                    start += len(batch)
                    if passed < len(batch):
                        yield batch.slice(passed)
            start = end

    def close(self) -> None:
        self._file.close()


class _Arrow:
    def __init__(self, path: Path) -> None:
        self._file = pa.memory_map(str(path))
        self._is_file = self._file.read(6) == b"ARROW1"
        self._file.seek(0)
        self._reader = (pa.ipc.open_file if self._is_file else pa.ipc.open_stream)(self._file)
        self.schema = self._reader.schema

    def count(self) -> int:
        return sum(map(len, self._all()))

    def batches(self, columns: Sequence[str], first: int, at_once: int) -> Iterator[pa.RecordBatch]:
        start = 0
        for batch in self._all():
            for offset in range(max(first - start, 0), len(batch), at_once):
                yield batch.select(list(columns)).slice(offset, at_once)
            start += len(batch)

    def _all(self) -> Iterator[pa.RecordBatch]:
        if not self._is_file:
            yield from self._reader
            return
        yield from map(self._reader.get_batch, range(self._reader.num_record_batches))

    def close(self) -> None:
        self._file.close()


_OPENERS: Mapping[str, Callable[[Path], _Parquet | _Arrow]] = {".parquet": _Parquet, ".arrow": _Arrow}


@contextmanager
def _opened(path: Path) -> Iterator[_Parquet | _Arrow]:
    try:
        table = _OPENERS[path.suffix.lower()](path)
        try:
            yield table
        finally:
            table.close()
    except pa.ArrowException as error:
        kind = path.suffix.lower().removeprefix(".").capitalize()
        raise UnreadableDocumentError(path, f"it is not {kind}, or damaged: {error}") from error
    except OSError as error:
        raise UnreadableDocumentError(path, f"it can't be read ({error.strerror or error})") from error


def _value(cell: Any) -> Any:
    """Give a value; None for a date beyond the year 9999, which Python can't hold."""
    try:
        return cell.as_py()
    except OverflowError:
        return None


def _cells(column: Any) -> Iterator[Any]:
    """Give a column's values. Lists of floats stay arrays."""
    kind = column.type
    if pa.types.is_timestamp(kind):  # Python's times have no nanoseconds
        column = column.cast(pa.timestamp("us", kind.tz), safe=False)
    listed = pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    if not listed or not pa.types.is_floating(kind.value_type):
        try:
            return iter(column.to_pylist())
        except OverflowError:
            return map(_value, column)
    return (cell.values.to_numpy(zero_copy_only=False) if cell.is_valid else None for cell in column)
