"""Tables in CSV as people have them: spreadsheets in many countries write semicolons, some tools tabs."""

from __future__ import annotations

import csv
from collections.abc import Set
from typing import TextIO

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
