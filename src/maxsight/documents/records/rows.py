"""Reads files of records row by row: JSON Lines, CSV, Parquet."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from maxsight.errors import UnreadableDocumentError, UnsupportedFormatError
from maxsight.tables import Row, check_columns, read_csv, read_json_lines

ROWS_PER_BATCH = 512


def read_rows(path: Path, columns: Sequence[str]) -> Iterator[Row]:
    """Read the rows of a file, whose suffix says its kind.

    Args:
        path: The file.
        columns: The fields to read.

    Raises:
        UnreadableDocumentError: The file as a whole can't be read, or has no such columns.
        UnsupportedFormatError: It is of another kind.
    """
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise UnsupportedFormatError(
            path, "it is not a file of records", hint=f"Records are read from {', '.join(_READERS)}."
        )
    try:
        yield from reader(path, columns)
    except OSError as error:
        raise UnreadableDocumentError(path, f"it can't be read ({error.strerror or error})") from error


def _parquet(path: Path, columns: Sequence[str]) -> Iterator[Row]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            check_columns(path, file.schema_arrow.names, columns)
            number = 0
            for batch in file.iter_batches(ROWS_PER_BATCH, columns=list(columns)):
                cells = [_cells(batch.column(name)) for name in columns]
                for values in zip(*cells, strict=True):
                    number += 1
                    yield Row(number, dict(zip(columns, values, strict=True)), "row")
    except pa.ArrowException as error:
        raise UnreadableDocumentError(path, f"it is not Parquet, or damaged: {error}") from error


def _cells(column: Any) -> Iterator[Any]:
    """Give a column's values. Lists of floats stay arrays."""
    import pyarrow as pa

    kind = column.type
    listed = pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    if not listed or not pa.types.is_floating(kind.value_type):
        return iter(column.to_pylist())
    return (cell.values.to_numpy(zero_copy_only=False) if cell.is_valid else None for cell in column)


_READERS: Mapping[str, Callable[[Path, Sequence[str]], Iterator[Row]]] = {
    ".jsonl": lambda path, columns: read_json_lines(path),
    ".ndjson": lambda path, columns: read_json_lines(path),
    ".csv": read_csv,
    ".parquet": _parquet,
}

RECORD_SUFFIXES = tuple(sorted(_READERS))
