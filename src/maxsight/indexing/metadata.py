"""The user's fields: a table of file names and typed values, from CSV or JSON Lines."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from maxsight.errors import InputError, UnreadableDocumentError
from maxsight.identity import composed
from maxsight.stores.fields import PAGE_FIELDS, FieldType, grow_fields, stored_value
from maxsight.tables import TABLE_SUFFIXES, read_csv, read_json_lines
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
        given = {_parts(key): _without_gaps(values) for key, values in fields.items()}
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
        fields: dict[str, dict[str, Scalar]] = {}
        lines: dict[str, int] = {}
        for line, row in _read_lines(path):
            key = next((name for name in FILE_COLUMNS if row.get(name)), None)
            if key is None:
                raise InputError(
                    f"{path}, line {line}: no file is named",
                    hint=f"Give each line one of the columns {', '.join(FILE_COLUMNS)}; it has {', '.join(row)}.",
                )
            name = PurePosixPath(composed(str(row.pop(key))).replace("\\", "/")).as_posix()
            if fields.setdefault(name, row) != row:
                raise InputError(
                    f"{path}, lines {lines[name]} and {line}: {name} has two rows with different values",
                    hint="Give each file one row.",
                )
            lines.setdefault(name, line)
        _check_rows(path, fields, lines)
        return cls(fields)

    def fields_of(self, path: str) -> Mapping[str, Scalar] | None:
        """Find the fields of a document by the longest key that matches; None if none does."""
        parts = _parts(path)
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


def _check_rows(path: Path, fields: Mapping[str, Mapping[str, Scalar]], lines: Mapping[str, int]) -> None:
    """Refuse values that can't be stored.

    Raises:
        InputError: It names the line.
    """
    looked_at = ""

    def rows() -> Iterator[Mapping[str, Scalar]]:
        nonlocal looked_at
        for looked_at, row in fields.items():  # noqa: B007  # named in the error
            yield row

    try:
        grow_fields({}, rows())
    except InputError as error:
        raise InputError(f"{path}, line {lines[looked_at]}: {error}", hint=error.hint) from error


def _read_lines(path: Path) -> Iterable[tuple[int, dict[str, Scalar]]]:
    is_table = path.suffix.lower() in TABLE_SUFFIXES
    rows: list[tuple[int, dict[str, Any]]] = []
    try:
        for row in read_csv(path, FILE_COLUMNS, is_strict=False) if is_table else read_json_lines(path):
            if isinstance(row.values, InputError):
                raise InputError(f"{path}, {row.place}: {row.values}", hint=row.values.hint)
            rows.append((row.number, _without_gaps(_stripped(row.values) if is_table else row.values)))
    except UnreadableDocumentError as error:
        raise InputError(f"{path}: the metadata can't be read: {error.reason}", hint=error.hint) from error
    except OSError as error:
        raise InputError(f"{path}: the metadata can't be read: {error}") from error
    return _typed(rows) if is_table else rows


def _typed(rows: Sequence[tuple[int, Mapping[str, str]]]) -> Iterator[tuple[int, dict[str, Scalar]]]:
    columns: dict[str, list[str]] = defaultdict(list)
    for _, row in rows:
        for name, cell in row.items():
            columns[name].append(cell)
    readers = {name: _reader(name, cells) for name, cells in columns.items()}
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


def _without_gaps(values: Mapping[str, Scalar | None]) -> dict[str, Scalar]:
    return {composed(name): value for name, value in values.items() if value is not None}


def _stripped(cells: Mapping[str, str | None]) -> dict[str, str | None]:
    return {name: (cell or "").strip() or None for name, cell in cells.items()}


def _parts(path: str) -> tuple[str, ...]:
    return PurePosixPath(composed(path)).parts
