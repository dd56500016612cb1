"""Reads files of records row by row: JSON Lines, CSV, Parquet.

A row that can't be read has an error in place of values, and the next rows are read.
"""

from __future__ import annotations

import codecs
import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from maxsight.errors import InputError, UnreadableDocumentError, UnsupportedFormatError
from maxsight.tables import find_csv_dialect, parse_json_object

MAX_ROW_BYTES = 64 * 2**20
ROWS_PER_BATCH = 512
_OTHER_ENCODINGS = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a file.

    Attributes:
        place: ``line 17`` or ``row 17``, for people.
        values: Its fields, or the reason why they can't be read.
    """

    place: str
    values: Mapping[str, Any] | InputError


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


def _json_lines(path: Path, columns: Sequence[str]) -> Iterator[Row]:
    with path.open("rb") as file:
        _check_encoding(path, file)
        number = 0
        while line := file.readline(MAX_ROW_BYTES + 1):
            number += 1
            if len(line) > MAX_ROW_BYTES:
                size_bytes = len(line)
                while line and not line.endswith(b"\n"):
                    line = file.readline(MAX_ROW_BYTES)
                    size_bytes += len(line)
                too_large = f"it has {size_bytes:,} bytes; a record has at most {MAX_ROW_BYTES:,}"
                yield Row(f"line {number}", InputError(too_large))
            elif line.strip():
                yield Row(f"line {number}", _json_object(line))


def _json_object(line: bytes) -> Mapping[str, Any] | InputError:
    try:
        return parse_json_object(line.decode("utf-8-sig"))
    except UnicodeDecodeError:
        return _not_utf_8()
    except InputError as error:
        return error


def _csv(path: Path, columns: Sequence[str]) -> Iterator[Row]:
    with path.open("rb") as start:
        _check_encoding(path, start)
    # Bytes that are not UTF-8 become lone surrogates, so that only their row is refused.
    with path.open(newline="", encoding="utf-8-sig", errors="surrogateescape") as file:
        reader = csv.reader(file, find_csv_dialect(file, set(columns)))
        try:
            header = next(reader, [])
        except csv.Error as error:
            raise UnreadableDocumentError(path, f"its header can't be read: {error}") from error
        _check_columns(path, header, columns)
        while True:
            place = f"line {reader.line_num + 1}"
            try:
                cells = next(reader, None)
            except csv.Error as error:
                yield Row(place, InputError(f"not CSV: {error}"))
                continue
            if cells is None:
                return
            if cells:
                yield Row(place, _named(header, cells))


def _named(header: Sequence[str], cells: Sequence[str]) -> Mapping[str, Any] | InputError:
    if len(cells) != len(header):
        return InputError(f"{len(cells)} cells under {len(header)} column names")
    try:
        "".join(cells).encode()
    except UnicodeEncodeError:
        return _not_utf_8()
    return {name: cell or None for name, cell in zip(header, cells, strict=True)}


def _parquet(path: Path, columns: Sequence[str]) -> Iterator[Row]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            _check_columns(path, file.schema_arrow.names, columns)
            number = 0
            for batch in file.iter_batches(ROWS_PER_BATCH, columns=list(columns)):
                cells = [_cells(batch.column(name)) for name in columns]
                for values in zip(*cells, strict=True):
                    number += 1
                    yield Row(f"row {number}", dict(zip(columns, values, strict=True)))
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


def _check_encoding(path: Path, file: BinaryIO) -> None:
    start = file.read(4)
    if start.startswith(_OTHER_ENCODINGS):
        raise UnreadableDocumentError(
            path, "it is UTF-16 or UTF-32; records are read as UTF-8", hint="Convert it: iconv -t UTF-8"
        )
    file.seek(len(codecs.BOM_UTF8) if start.startswith(codecs.BOM_UTF8) else 0)


def _check_columns(path: Path, found: Sequence[str], wanted: Sequence[str]) -> None:
    if missing := [name for name in wanted if name not in found]:
        raise UnreadableDocumentError(
            path,
            f"it has no column {', '.join(map(repr, missing))}",
            hint=f"Its columns are {', '.join(found) or 'none'}.",
        )


def _not_utf_8() -> InputError:
    return InputError("it is not UTF-8", hint="Convert the file: iconv -t UTF-8")


_READERS: Mapping[str, Callable[[Path, Sequence[str]], Iterator[Row]]] = {
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
    ".csv": _csv,
    ".parquet": _parquet,
}

RECORD_SUFFIXES = tuple(sorted(_READERS))
