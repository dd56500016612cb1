"""Conditions on pages, as a small tree that can be written as SQL for Lance or decided here.

``filters`` makes the tree from what a user typed; ``path_is`` and ``path_in`` make one in code. SQL is always written
from the tree, with every name and value quoted. So no text of a user reaches a database unchanged.

Conditions follow SQL's three-valued logic. A comparison with a missing value is neither true nor false, and neither is
its ``NOT``. Only true keeps a page. Text is compared by code point and is case-sensitive. ``patterns`` has ``LIKE``.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import quote, unquote

from maxsight.stores.fields import OWN_FIELDS
from maxsight.stores.patterns import FINAL_SIGMA, SIGMA, fold, like_regex
from maxsight.types import Scalar

Row = Mapping[str, Scalar | None]
METADATA_PREFIX = "meta_"


@dataclass(frozen=True, slots=True)
class Operator:
    """A comparison of SQL.

    Attributes:
        holds: Decides it for two values.
        negated: The operator that holds where this one does not.
        mirrored: The operator for the same comparison with its sides exchanged.
    """

    holds: Callable[[Scalar, Scalar], bool]
    negated: str
    mirrored: str


OPERATORS: Mapping[str, Operator] = {
    "=": Operator(operator.eq, negated="<>", mirrored="="),
    "<>": Operator(operator.ne, negated="=", mirrored="<>"),
    "<": Operator(operator.lt, negated=">=", mirrored=">"),
    "<=": Operator(operator.le, negated=">", mirrored=">="),
    ">": Operator(operator.gt, negated="<=", mirrored="<"),
    ">=": Operator(operator.ge, negated="<", mirrored="<="),
}


class Condition(Protocol):
    """A node of the tree."""

    def to_lance(self, *, negated: bool = False) -> str:
        """Write the condition, or its ``NOT``, as Lance reads it: SQL over the dataset's columns.

        The SQL is only right as a whole filter, where neither true nor false counts as false. ``NOT`` is written at the
        leaves: DataFusion simplifies ``NOT (a IN (1)) OR NOT (a IN (2))`` to a condition that is true without ``a``.
        """
        ...

    def decide(self, row: Row) -> bool | None:
        """Decide the condition for a page; None where a missing value leaves it open."""
        ...


@dataclass(frozen=True, slots=True)
class Filter:
    """A choice of pages.

    Attributes:
        condition: True for the pages to keep.
    """

    condition: Condition

    def to_lance(self) -> str:
        """Write it as SQL over the dataset's columns."""
        return self.condition.to_lance()

    def matches(self, row: Row) -> bool:
        """Decide whether a page is kept.

        Args:
            row: The page's ``file``, ``path``, ``page_number`` and the user's fields. An absent field is missing.
        """
        return self.condition.decide(row) is True


@dataclass(frozen=True, slots=True)
class Compare:
    """``field symbol value``, where the symbol is one of ``OPERATORS``."""

    field: str
    symbol: str
    value: Scalar

    def to_lance(self, *, negated: bool = False) -> str:  # noqa: D102
        return _negated_if(negated, f"{lance_column(self.field)} {self.symbol} {lance_literal(self.value)}")

    def decide(self, row: Row) -> bool | None:  # noqa: D102
        stored = row.get(self.field)
        return None if stored is None else OPERATORS[self.symbol].holds(stored, self.value)


@dataclass(frozen=True, slots=True)
class OneOf:
    """``field IN (values)``."""

    field: str
    values: tuple[Scalar, ...]

    def to_lance(self, *, negated: bool = False) -> str:  # noqa: D102
        column = lance_column(self.field)
        values = ", ".join(map(lance_literal, self.values))
        return (
            f"{column} NOT IN ({values}) AND {column} IS NOT NULL" if negated else f"{column} IN ({values})"
        )

    def decide(self, row: Row) -> bool | None:  # noqa: D102
        stored = row.get(self.field)
        return None if stored is None else stored in self.values


@dataclass(frozen=True, slots=True)
class Like:
    """``field LIKE pattern``; with ``any_case``, ``field ILIKE pattern``."""

    field: str
    pattern: str
    any_case: bool = False

    def to_lance(self, *, negated: bool = False) -> str:  # noqa: D102
        column, pattern = lance_column(self.field), self.pattern
        if self.any_case:  # Lance's own ILIKE equates more letters, such as s and the long s
            column, pattern = f"replace(lower({column}), '{FINAL_SIGMA}', '{SIGMA}')", fold(pattern)
        return _negated_if(negated, f"{column} LIKE {lance_literal(pattern)}")

    def decide(self, row: Row) -> bool | None:  # noqa: D102
        stored = row.get(self.field)
        if stored is None:
            return None
        text, pattern = str(stored), self.pattern
        if self.any_case:
            text, pattern = fold(text), fold(pattern)
        return like_regex(pattern).fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class IsMissing:
    """``field IS NULL``."""

    field: str

    def to_lance(self, *, negated: bool = False) -> str:  # noqa: D102
        return f"{lance_column(self.field)} IS {'NOT ' if negated else ''}NULL"

    def decide(self, row: Row) -> bool | None:  # noqa: D102
        return row.get(self.field) is None


@dataclass(frozen=True, slots=True)
class Not:
    """``NOT condition``."""

    condition: Condition

    def to_lance(self, *, negated: bool = False) -> str:  # noqa: D102
        return self.condition.to_lance(negated=not negated)

    def decide(self, row: Row) -> bool | None:  # noqa: D102
        decided = self.condition.decide(row)
        return None if decided is None else not decided


@dataclass(frozen=True, slots=True)
class AllOf:
    """``condition AND condition``."""

    conditions: tuple[Condition, ...]

    def to_lance(self, *, negated: bool = False) -> str:  # noqa: D102
        return _joined("OR" if negated else "AND", self.conditions, negated)

    def decide(self, row: Row) -> bool | None:  # noqa: D102
        return _decided_by(False, self.conditions, row)


@dataclass(frozen=True, slots=True)
class AnyOf:
    """``condition OR condition``."""

    conditions: tuple[Condition, ...]

    def to_lance(self, *, negated: bool = False) -> str:  # noqa: D102
        return _joined("AND" if negated else "OR", self.conditions, negated)

    def decide(self, row: Row) -> bool | None:  # noqa: D102
        return _decided_by(True, self.conditions, row)


def path_is(path: str) -> Filter:
    """Keep the pages of one document."""
    return Filter(Compare("path", "=", path))


def path_in(paths: Sequence[str]) -> Filter:
    """Keep the pages of one or more documents."""
    return Filter(OneOf("path", tuple(paths)))


def metadata_column(field: str) -> str:
    """Name the column of a user's field. A prefix keeps it apart from the library's own columns."""
    return METADATA_PREFIX + quote(field, safe=" ").replace(".", "%2E")  # to Lance a dot means nesting


def metadata_field(column: str) -> str | None:
    """Name the user's field in a column; None for the library's own columns."""
    return unquote(column.removeprefix(METADATA_PREFIX)) if column.startswith(METADATA_PREFIX) else None


def lance_column(field: str) -> str:
    """Write a field as a quoted column name."""
    return f"`{field if field in OWN_FIELDS else metadata_column(field)}`"


def lance_literal(value: Scalar) -> str:
    """Write a value as SQL. Only quotes are doubled: to Lance a backslash is an ordinary character."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return "'" + value.replace("'", "''") + "'"
    return repr(value)


def _joined(word: str, conditions: Sequence[Condition], negated: bool) -> str:
    return f" {word} ".join(f"({condition.to_lance(negated=negated)})" for condition in conditions)


def _decided_by(value: bool, conditions: Sequence[Condition], row: Row) -> bool | None:
    """Decide by the value that one condition alone can force: false for ``AND``, true for ``OR``."""
    decided = [condition.decide(row) for condition in conditions]
    return value if value in decided else None if None in decided else not value


def _negated_if(negated: bool, condition: str) -> str:
    return f"NOT ({condition})" if negated else condition
