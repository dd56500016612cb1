"""Tables in CSV as people have them: spreadsheets in many countries write semicolons, some tools tabs."""

from __future__ import annotations

import csv
import re
from typing import TextIO

MAX_HEADER = 2**16


def csv_dialect(file: TextIO) -> type[csv.Dialect]:
    """How a table is written: what separates the names in its first line separates all cells.

    Args:
        file: At its start, and there again afterwards.
    """
    names = re.sub(r'"[^"]*"', "", file.readline(MAX_HEADER))
    file.seek(0)
    separator = max(",;\t", key=names.count)  # the comma where there is none

    class Dialect(csv.excel):
        delimiter = separator
        strict = True

    return Dialect
