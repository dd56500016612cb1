"""Reads data files row by row: JSON Lines, CSV, TSV, Parquet, Arrow."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

from maxsight.errors import UnreadableDocumentError, UnsupportedFormatError
from maxsight.tables import Row, read_csv, read_json_lines

ROWS_AT_ONCE = 512


def read_rows(
    path: Path, columns: Sequence[str], *, first: int = 0, at_once: int = ROWS_AT_ONCE
) -> Iterator[Row]:
    """Read the rows of a file, whose suffix says its kind.

    Args:
        path: The file.
        columns: The fields to read. Files of text give the others, too.
        first: How many rows to pass over.
        at_once: Rows of Parquet and Arrow in memory at a time.

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
        yield from reader(path, columns, first, at_once)
    except OSError as error:
        raise UnreadableDocumentError(path, f"it can't be read ({error.strerror or error})") from error


def plain_columns(path: Path) -> list[str]:
    """List the columns that hold text, numbers, or true and false; none for a file of text, whose rows name them.

    Raises:
        UnreadableDocumentError: The file can't be read.
    """
    if not is_columnar(path):
        return []
    from maxsight.documents.records.columnar import column_names

    return column_names(path, plain=True)


def all_columns(path: Path) -> list[str]:
    """List the columns of a file; of JSON Lines, those of its first row.

    Raises:
        UnreadableDocumentError: The file can't be read.
    """
    if is_columnar(path):
        from maxsight.documents.records.columnar import column_names

        return column_names(path)
    first = next(read_rows(path, ()), None)
    return list(first.values) if first and isinstance(first.values, Mapping) else []


def count_rows(path: Path) -> int:
    """Count the rows of a file.

    Raises:
        UnreadableDocumentError: The file can't be read.
    """
    if not is_columnar(path):
        return sum(1 for _ in read_rows(path, ()))
    from maxsight.documents.records import columnar

    return columnar.count_rows(path)


def is_columnar(path: Path) -> bool:
    """Whether the file stores columns of known types."""
    return _READERS.get(path.suffix.lower()) is _columnar


def _columnar(path: Path, columns: Sequence[str], first: int, at_once: int) -> Iterator[Row]:
    from maxsight.documents.records.columnar import read_columnar  # pyarrow is slow to import

    return read_columnar(path, columns, first, at_once)


def _table(path: Path, columns: Sequence[str], first: int, _: int) -> Iterator[Row]:
    return islice(read_csv(path, columns), first, None)


def _json_lines(path: Path, columns: Sequence[str], first: int, _: int) -> Iterator[Row]:
    return islice(read_json_lines(path), first, None)


_READERS: Mapping[str, Callable[[Path, Sequence[str], int, int], Iterator[Row]]] = {
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
    ".csv": _table,
    ".tsv": _table,
    ".parquet": _columnar,
    ".arrow": _columnar,
}

RECORD_SUFFIXES = tuple(sorted(_READERS))
