"""Files of rows as people have them: one line of JSON Lines, and how a CSV table is separated.

Spreadsheets in many countries write semicolons, and some tools write tabs.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Set
from typing import Any, TextIO

from maxsight.errors import InputError

TABLE_SUFFIXES = (".csv", ".tsv")


def csv_dialect(file: TextIO, known: Set[str]) -> type[csv.Dialect]:
    """How a table is written: with the first separator that makes known names of its first row, else with commas.

    Args:
        file: At its start, and there again afterwards.
        known: Names of columns, one of which at least is there.
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


def json_object(line: str) -> dict[str, Any]:
    """Read a line.

    Raises:
        InputError: It is not an object in JSON. It says where in the line; who calls says in which.
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
