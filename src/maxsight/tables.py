"""Rows in files from other programs: CSV tables, and lines of JSON."""

from __future__ import annotations

import csv
import json
from collections.abc import Set
from typing import Any, TextIO

from maxsight.errors import InputError

TABLE_SUFFIXES = (".csv", ".tsv")


def find_csv_dialect(file: TextIO, known: Set[str]) -> type[csv.Dialect]:
    """Find what separates a table's cells: commas, semicolons (spreadsheets in many countries) or tabs.

    Args:
        file: A table, at its start. It is at its start again afterwards.
        known: Column names. The table should have at least one of them.

    Returns:
        The first dialect that finds a known name in the first row; commas if none does.
    """
    for dialect in (_Commas, _Semicolons, _Tabs):
        try:
            names = next(csv.reader(file, dialect), [])
        except csv.Error:
            names = []
        file.seek(0)
        if not known.isdisjoint(names):
            return dialect
    return _Commas


class _Commas(csv.excel):
    strict = True


class _Semicolons(_Commas):
    delimiter = ";"


class _Tabs(_Commas):
    delimiter = "\t"


def parse_json_object(line: str) -> dict[str, Any]:
    """Read an object from a line of JSON.

    Raises:
        InputError: The line has no object. The message names the place in the line, but not the line.
    """
    try:
        values = json.loads(line)
    except json.JSONDecodeError as error:
        raise InputError(f"not JSON from character {error.colno} on: {error.msg}") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"can't be read as JSON: {error}") from error
    if not isinstance(values, dict):
        raise InputError(f"expected a JSON object, got {type(values).__name__}")
    return values
