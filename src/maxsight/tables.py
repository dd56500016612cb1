"""Rows in files from other programs: CSV tables, and JSON Lines.

A row that can't be read has an error in place of values, and the next rows are read.
"""

from __future__ import annotations

import codecs
import csv
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from maxsight.errors import InputError, UnreadableDocumentError

TABLE_SUFFIXES = (".csv", ".tsv")
MAX_ROW_BYTES = 64 * 2**20
_SEPARATOR_LINE = re.compile(r"sep=[,;\t]\r?\n?", re.IGNORECASE)
_OTHER_ENCODINGS = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a file.

    Attributes:
        number: Its first line, or its row where the file has no lines. From 1.
        values: Its fields, or the reason why they can't be read.
        unit: ``line`` or ``row``.
    """

    number: int
    values: Mapping[str, Any] | InputError
    unit: str = "line"

    @property
    def place(self) -> str:
        """Where it is, for people: ``line 17``."""
        return f"{self.unit} {self.number}"


def read_json_lines(path: Path) -> Iterator[Row]:
    """Read a file with an object of JSON in each line. Blank lines are left out.

    Raises:
        OSError: The file can't be read.
        UnreadableDocumentError: It is UTF-16 or UTF-32.
    """
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
                yield Row(number, InputError(too_large))
            elif line.strip():
                yield Row(number, _json_object(line))


def read_csv(path: Path, columns: Sequence[str], *, is_strict: bool = True) -> Iterator[Row]:
    """Read a table whose cells are separated by commas, semicolons or tabs. An empty cell is None.

    Args:
        path: The file.
        columns: Names of columns. The separator is the one that finds one of them, or most names if none are given.
        is_strict: Whether the table must have all these columns, and each row as many cells as the table has columns.
            Else a row may lack cells at its end.

    Raises:
        OSError: The file can't be read.
        UnreadableDocumentError: It is UTF-16 or UTF-32, its header can't be read, a column is not there, or two that
            are read have one name.
    """
    with path.open("rb") as content:
        _check_encoding(path, content)
    # Bytes that are not UTF-8 become lone surrogates, so that only their row is refused.
    with path.open(newline="", encoding="utf-8-sig", errors="surrogateescape") as file:
        start, skipped = _after_separator_line(file)
        reader = csv.reader(file, _find_dialect(file, start, columns))
        try:
            header = [name.strip() for name in next(reader, [])]
        except csv.Error as error:
            raise UnreadableDocumentError(path, f"its header can't be read: {error}") from error
        check_columns(path, header, columns if is_strict else ())
        if not is_strict:
            _refuse_twice(path, header, filter(None, header))
        while True:
            line = skipped + reader.line_num + 1  # a row may have several lines, and is named by its first
            try:
                cells = next(reader, None)
            except csv.Error as error:
                yield Row(line, InputError(f"not CSV: {error}"))
                continue
            if cells is None:
                return
            if cells:
                yield Row(line, _named(header, cells, is_strict=is_strict))


def check_columns(path: Path, found: Sequence[str], wanted: Sequence[str]) -> None:
    """Refuse a table that has not each of the columns that are read once.

    Raises:
        UnreadableDocumentError: It names those that are not there, and those that are; or one that is there twice.
    """
    _refuse_twice(path, found, wanted)
    if missing := [name for name in wanted if name not in found]:
        raise UnreadableDocumentError(
            path,
            f"it has no column {', '.join(map(repr, missing))}",
            hint=f"Its columns are {', '.join(found) or 'none'}.",
        )


def _refuse_twice(path: Path, found: Sequence[str], names: Iterable[str]) -> None:
    for name in names:
        if found.count(name) > 1:
            raise UnreadableDocumentError(
                path, f"it has several columns {name!r}", hint="Rename all but one of them."
            )


def parse_json_object(line: str) -> dict[str, Any]:
    """Read an object from a line of JSON.

    Raises:
        InputError: The line has no object. The message names the place in the line, but not the line.
    """
    try:
        values = json.loads(line, object_pairs_hook=_without_repeats)
    except json.JSONDecodeError as error:
        hint = (
            "A file of one array becomes JSON Lines: jq -c '.[]' FILE > FILE.jsonl"
            if line[:1] == "["
            else None
        )
        raise InputError(f"not JSON from character {error.colno} on: {error.msg}", hint=hint) from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"can't be read as JSON: {error}") from error
    if not isinstance(values, dict):
        raise InputError(f"expected a JSON object, got {type(values).__name__}")
    return values


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        names = [name for name, _ in pairs]
        repeated = next(name for name in names if names.count(name) > 1)
        raise InputError(f"it has {repeated!r} more than once")
    return values


class _Commas(csv.excel):
    strict = True


class _Semicolons(_Commas):  # spreadsheets in many countries
    delimiter = ";"


class _Tabs(_Commas):
    delimiter = "\t"


def _after_separator_line(file: TextIO) -> tuple[int, int]:
    """Pass over the line ``sep=;`` that Excel takes as the separator. Return the place after it, and its lines."""
    if _SEPARATOR_LINE.fullmatch(file.readline()):
        return file.tell(), 1
    return 0, 0


def _find_dialect(file: TextIO, start: int, known: Sequence[str]) -> type[csv.Dialect]:
    """Find the first dialect with a known name in the first row; commas without one. Leave the file at ``start``.

    If no names are known, the one with most names is taken.
    """
    most: tuple[int, type[csv.Dialect]] = 0, _Commas
    for dialect in (_Commas, _Semicolons, _Tabs):
        file.seek(start)
        try:
            names = [name.strip() for name in next(csv.reader(file, dialect), [])]
        except csv.Error:
            names = []
        file.seek(start)
        if not set(known).isdisjoint(names):
            return dialect
        if len(names) > most[0]:
            most = len(names), dialect
    return _Commas if known else most[1]


def _named(header: Sequence[str], cells: Sequence[str], *, is_strict: bool) -> Mapping[str, Any] | InputError:
    if len(cells) > len(header) or (is_strict and len(cells) < len(header)):
        return InputError(f"{len(cells)} cells under {len(header)} column names")
    try:
        "".join(cells).encode()
    except UnicodeEncodeError:
        return _not_utf_8()
    return {name: cell or None for name, cell in zip(header, cells, strict=False)}


def _json_object(line: bytes) -> Mapping[str, Any] | InputError:
    try:
        return parse_json_object(line.decode("utf-8-sig"))
    except UnicodeDecodeError:
        return _not_utf_8()
    except InputError as error:
        return error


def _check_encoding(path: Path, file: BinaryIO) -> None:
    start = file.read(4)
    if start.startswith(_OTHER_ENCODINGS):
        raise UnreadableDocumentError(
            path, "it is UTF-16 or UTF-32; rows are read as UTF-8", hint="Convert it: iconv -t UTF-8"
        )
    file.seek(len(codecs.BOM_UTF8) if start.startswith(codecs.BOM_UTF8) else 0)


def _not_utf_8() -> InputError:
    return InputError(
        "it is not UTF-8", hint="Convert the file: iconv -t UTF-8 (in Excel: save as CSV UTF-8)"
    )
