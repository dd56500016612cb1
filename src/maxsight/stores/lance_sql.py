"""Filters as Lance reads them: SQL over the dataset's columns.

It is always written from the tree in ``conditions``, with every name and value quoted. So no text of a user reaches the
database unchanged.
"""

from __future__ import annotations

from urllib.parse import quote, unquote

from maxsight.stores.conditions import (
    AllOf,
    AnyOf,
    Compare,
    Condition,
    Contains,
    Filter,
    IsMissing,
    Like,
    Not,
    OneOf,
    push_not,
)
from maxsight.stores.fields import OWN_FIELDS, PAGE_TEXT
from maxsight.stores.patterns import FINAL_SIGMA, SIGMA, fold
from maxsight.stores.phrases import pattern_of
from maxsight.types import Scalar

METADATA_PREFIX = "meta_"
NO_PAGE_BELOW, NO_PAGE_ABOVE = -1, 2**31 - 1
"""No page has these numbers. Lance refuses larger ones, because the column has 32 bits."""


def to_lance(where: Filter) -> str:
    """Write a filter.

    ``NOT`` stands only before leaves: DataFusion simplifies ``NOT (a IN (1)) OR NOT (a IN (2))`` to a condition that is
    true without ``a``.
    """
    return _write(push_not(where.condition))


def name_column(field: str) -> str:
    """Name the column of a user's field. A prefix keeps it apart from the library's own columns."""
    return METADATA_PREFIX + quote(field, safe=" ").replace(".", "%2E")  # to Lance a dot means nesting


def name_field(column: str) -> str | None:
    """Name the user's field in a column; None for the library's own columns."""
    return unquote(column.removeprefix(METADATA_PREFIX)) if column.startswith(METADATA_PREFIX) else None


def write_literal(value: Scalar) -> str:
    """Write a value as SQL. Only quotes are doubled: to Lance a backslash is an ordinary character."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return "'" + value.replace("'", "''") + "'"
    return repr(value)


def _write(condition: Condition) -> str:
    match condition:
        case AllOf(conditions):
            return " AND ".join(f"({_write(each)})" for each in conditions)
        case AnyOf(conditions):
            return " OR ".join(f"({_write(each)})" for each in conditions)
        case Not(IsMissing(field)):
            return f"{_column(field)} IS NOT NULL"
        case Not(OneOf(field, values)):
            return f"{_column(field)} NOT IN ({_listed(field, values)}) AND {_column(field)} IS NOT NULL"
        case Not(leaf):
            return f"NOT ({_write(leaf)})"
        case IsMissing(field):
            return f"{_column(field)} IS NULL"
        case OneOf(field, values):
            return f"{_column(field)} IN ({_listed(field, values)})"
        case Compare(field, symbol, value):
            return f"{_column(field)} {symbol} {_listed(field, (value,))}"
        case Contains(field, phrase):
            return f"regexp_like({_column(field)}, {write_literal(pattern_of(phrase))})"
        case Like(field, pattern, any_case=False):
            return f"{_column(field)} LIKE {write_literal(pattern)}"
        case Like(field, pattern):  # Lance's own ILIKE equates more letters, such as s and the long s
            folded = f"replace(lower({_column(field)}), '{FINAL_SIGMA}', '{SIGMA}')"
            return f"{folded} LIKE {write_literal(fold(pattern))}"


def _column(field: str) -> str:
    if field == PAGE_TEXT:
        return "`text`"
    return f"`{field if field in OWN_FIELDS else name_column(field)}`"


def _listed(field: str, values: tuple[Scalar, ...]) -> str:
    if field == "page_number":
        numbers = (value for value in values if isinstance(value, int))
        values = tuple(max(NO_PAGE_BELOW, min(number, NO_PAGE_ABOVE)) for number in numbers)
    return ", ".join(map(write_literal, values))
