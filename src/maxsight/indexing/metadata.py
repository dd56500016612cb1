"""The user's fields: a table of file names and typed values, from CSV or JSON Lines."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path, PurePosixPath

from maxsight.errors import InputError
from maxsight.stores.fields import PAGE_FIELDS, FieldType, grow_fields, stored_value
from maxsight.tables import TABLE_SUFFIXES, find_csv_dialect, parse_json_object
from maxsight.types import Scalar

FILE_COLUMNS = ("file", "path", "filename", "file_name")


class MetadataTable:
    """Fields by file. A key matches every document whose path ends in it, so a file name is enough.

    Attributes:
        types: The type of each field.
    """

    def __init__(self, fields: Mapping[str, Mapping[str, Scalar]]) -> None:
        """Take fields by file name or path.

        Whole numbers become floats where another document has a fraction in the same field.

        Raises:
            InputError: A field has values of several types or of none that can be stored, or its name is reserved.
        """
        given = {PurePosixPath(key).parts: _without_gaps(values) for key, values in fields.items()}
        self.types = grow_fields({}, given.values())
        for name in PAGE_FIELDS.keys() & self.types.keys():
            raise InputError(
                f"metadata field {name!r} has the name of a field that index --quality writes",
                hint=f"{', '.join(PAGE_FIELDS)} are reserved; give the field another name.",
            )
        self._fields = {
            parts: {name: stored_value(value, self.types[name]) for name, value in values.items()}
            for parts, values in given.items()
        }
        self._unused = set(self._fields)

    @classmethod
    def load(cls, path: Path) -> MetadataTable:
        """Read a ``.csv``, ``.tsv`` or ``.jsonl`` file with a column ``file``.

        A column of CSV holds integers, floats or booleans if all of its cells can be read so, else text. An empty cell
        has no value.

        Raises:
            InputError: The file can't be read as such a table.
        """
        try:
            rows = list(_read_csv(path) if path.suffix.lower() in TABLE_SUFFIXES else _read_json_lines(path))
        except UnicodeDecodeError as error:
            raise InputError(
                f"{path}: the metadata is not UTF-8", hint="Save it as such (in Excel: CSV UTF-8)."
            ) from error
        except (OSError, csv.Error) as error:
            raise InputError(f"{path}: the metadata can't be read: {error}") from error
        fields: dict[str, dict[str, Scalar]] = {}
        lines: dict[str, int] = {}
        for line, row in rows:
            key = next((name for name in FILE_COLUMNS if row.get(name)), None)
            if key is None:
                raise InputError(
                    f"{path}, line {line}: no file is named",
                    hint=f"Give each line one of the columns {', '.join(FILE_COLUMNS)}; it has {', '.join(row)}.",
                )
            name = PurePosixPath(str(row.pop(key)).replace("\\", "/")).as_posix()
            row = _without_gaps(row)
            if fields.setdefault(name, row) != row:
                raise InputError(
                    f"{path}, lines {lines[name]} and {line}: {name} has two rows with different values",
                    hint="Give each file one row.",
                )
            lines.setdefault(name, line)
        return cls(fields)

    def fields_of(self, path: str) -> Mapping[str, Scalar] | None:
        """Find the fields of a document by the longest key that matches; None if none does."""
        parts = PurePosixPath(path).parts
        for start in range(len(parts)):
            if parts[start:] in self._fields:
                self._unused.discard(parts[start:])
                return self._fields[parts[start:]]
        return None

    def check_against(self, known: Mapping[str, FieldType]) -> None:
        """Refuse fields that a library holds with another type, before any work is done.

        Raises:
            InputError: Names the first such field and both types.
        """
        grow_fields(known, self._fields.values())

    @property
    def unused(self) -> list[str]:
        """Keys that have matched no document so far."""
        return sorted(str(PurePosixPath(*parts)) for parts in self._unused)


def _read_csv(path: Path) -> Iterable[tuple[int, dict[str, Scalar]]]:
    rows: list[tuple[int, dict[str, str]]] = []
    with path.open(newline="", encoding="utf-8-sig") as stream:
        reader = csv.reader(stream, find_csv_dialect(stream, set(FILE_COLUMNS)))
        header = next(reader, [])
        line = reader.line_num + 1
        for cells in reader:
            if len(cells) > len(header):
                raise InputError(f"{path}, line {line}: it has more cells than the header")
            if cells:
                filled = {name: cell for name, cell in zip(header, cells, strict=False) if cell}
                rows.append((line, filled))
            line = reader.line_num + 1  # a row may have several lines, and is named by its first
    readers = {name: _reader(name, [row[name] for _, row in rows if name in row]) for name in header}
    for line, row in rows:
        yield line, {name: readers[name](cell) for name, cell in row.items()}


def _reader(name: str, cells: list[str]) -> Callable[[str], Scalar]:
    """Choose the narrowest type that fits all cells of a column."""
    if name in FILE_COLUMNS:
        return str
    if all(cell.lower() in ("true", "false") for cell in cells):
        return lambda cell: cell.lower() == "true"
    for kind in (int, float):
        # With a leading zero (a postal code) or an underscore it is text for people, though Python reads a number.
        if all(_reads_as(kind, cell) for cell in cells):
            return kind
    return str


def _reads_as(kind: type[int] | type[float], cell: str) -> bool:
    digits = cell.lstrip("+-")
    if "_" in cell or (len(digits) > 1 and digits[0] == "0" and digits[1].isdigit()):
        return False
    try:
        value = kind(cell)
    except ValueError:
        return False
    return abs(value) < 2**63 and value == value


def _read_json_lines(path: Path) -> Iterable[tuple[int, dict[str, Scalar]]]:
    with path.open(encoding="utf-8-sig") as stream:
        for line, text in enumerate(stream, start=1):
            if not text.strip():
                continue
            try:
                yield line, parse_json_object(text)
            except InputError as error:
                raise InputError(f"{path}, line {line}: {error}") from error


def _without_gaps(values: Mapping[str, Scalar | None]) -> dict[str, Scalar]:
    return {name: value for name, value in values.items() if value is not None}
