"""Conditions on pages, as a small tree that can be written as SQL for Lance or decided here.

``filters`` reads a tree from what a user typed; ``path_is`` and its like build one in code. SQL is only ever
written from the tree, with every name and value quoted, so nothing a user typed reaches a database as it is.

Conditions follow SQL's three-valued logic: comparing a missing value gives neither true nor false, ``NOT``
of that is neither too, and only true keeps a page. Text compares by code point, with upper and lower case
distinct; so does ``LIKE``, where ``%`` stands for any text, ``_`` for one character, and a backslash takes
the next character as it is. ``ILIKE`` is ``LIKE`` with text and pattern in lower case, the two small sigmas alike.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import quote, unquote

from maxsight.stores.fields import OWN_FIELDS
from maxsight.types import Scalar

FINAL_SIGMA, SIGMA = "\u03c2", "\u03c3"
"""Which of them a capital becomes depends on what follows, which a pattern does not say."""
Row = Mapping[str, Scalar | None]
METADATA_PREFIX = "meta_"

_COMPARE: Mapping[str, Callable[[Scalar, Scalar], bool]] = {
    "=": operator.eq,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class Condition(Protocol):
    """A node of the tree."""

    def to_lance(self, *, negated: bool = False) -> str:
        """The condition, or what it is not, as Lance reads it: SQL over the dataset's columns.

        Only for the top of a filter, where what is neither true nor false counts as false. ``NOT`` is carried down
        to the leaves, since DataFusion merges ``NOT (a IN (1)) OR NOT (a IN (2))`` to what is true without ``a``.
        """
        ...

    def decide(self, row: Row) -> bool | None:
        """True, false, or None where a missing value leaves it open."""
        ...


@dataclass(frozen=True, slots=True)
class Filter:
    """Which pages to keep.

    Attributes:
        condition: True for the pages to keep.
    """

    condition: Condition

    def to_lance(self) -> str:
        """SQL over the dataset's columns."""
        return self.condition.to_lance()

    def matches(self, row: Row) -> bool:
        """Whether a page is kept.

        Args:
            row: Its ``file``, ``path``, ``page_number`` and the user's fields; a field that is not there is
                missing.
        """
        return self.condition.decide(row) is True


@dataclass(frozen=True, slots=True)
class Compare:
    """``field operator value``, the operator being one of ``= <> < <= > >=``."""

    field: str
    symbol: str
    value: Scalar

    def to_lance(self, *, negated: bool = False) -> str:  # noqa: D102
        return _negated_if(negated, f"{lance_column(self.field)} {self.symbol} {lance_literal(self.value)}")

    def decide(self, row: Row) -> bool | None:  # noqa: D102
        stored = row.get(self.field)
        return None if stored is None else _COMPARE[self.symbol](stored, self.value)


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
    """``field LIKE pattern``, or ``field ILIKE pattern`` in any case."""

    field: str
    pattern: str
    any_case: bool = False

    def to_lance(self, *, negated: bool = False) -> str:  # noqa: D102
        column, pattern = lance_column(self.field), self.pattern
        if self.any_case:  # Lance's own ILIKE takes more letters for the same, as a long s and s
            column, pattern = f"replace(lower({column}), '{FINAL_SIGMA}', '{SIGMA}')", folded(pattern)
        return _negated_if(negated, f"{column} LIKE {lance_literal(pattern)}")

    def decide(self, row: Row) -> bool | None:  # noqa: D102
        stored = row.get(self.field)
        if stored is None:
            return None
        text, pattern = str(stored), self.pattern
        if self.any_case:
            text, pattern = folded(text), folded(pattern)
        return bool(_like_regex(pattern).fullmatch(text))


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
        written = (f"({condition.to_lance(negated=negated)})" for condition in self.conditions)
        return (" OR " if negated else " AND ").join(written)

    def decide(self, row: Row) -> bool | None:  # noqa: D102
        decided = [condition.decide(row) for condition in self.conditions]
        return False if False in decided else None if None in decided else True


@dataclass(frozen=True, slots=True)
class AnyOf:
    """``condition OR condition``."""

    conditions: tuple[Condition, ...]

    def to_lance(self, *, negated: bool = False) -> str:  # noqa: D102
        written = (f"({condition.to_lance(negated=negated)})" for condition in self.conditions)
        return (" AND " if negated else " OR ").join(written)

    def decide(self, row: Row) -> bool | None:  # noqa: D102
        decided = [condition.decide(row) for condition in self.conditions]
        return True if True in decided else None if None in decided else False


def path_is(path: str) -> Filter:
    """Keep the pages of one document."""
    return Filter(Compare("path", "=", path))


def path_in(paths: Sequence[str]) -> Filter:
    """Keep the pages of some documents, at least one."""
    return Filter(OneOf("path", tuple(paths)))


def metadata_column(field: str) -> str:
    """The column a user's field lies in. Prefixed, so that it never meets a column of the library."""
    return METADATA_PREFIX + quote(field, safe=" ").replace(".", "%2E")  # Lance takes a dot for nesting


def metadata_field(column: str) -> str | None:
    """The user's field that lies in a column; None for the library's own columns."""
    return unquote(column.removeprefix(METADATA_PREFIX)) if column.startswith(METADATA_PREFIX) else None


def lance_column(field: str) -> str:
    """A field as a quoted column name."""
    return f"`{field if field in OWN_FIELDS else metadata_column(field)}`"


def lance_literal(value: Scalar) -> str:
    """A value as SQL. Only quotes need doubling: Lance reads backslashes in text as they are."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return "'" + value.replace("'", "''") + "'"
    return repr(value)


def _negated_if(negated: bool, condition: str) -> str:
    return f"NOT ({condition})" if negated else condition


def folded(text: str) -> str:
    """Text as ``ILIKE`` compares it."""
    return text.lower().replace(FINAL_SIGMA, SIGMA)


def _like_regex(pattern: str) -> re.Pattern[str]:
    pieces = re.findall(r"\\?.", pattern, flags=re.DOTALL)
    wild = {"%": ".*", "_": "."}
    return re.compile("".join(wild.get(piece) or re.escape(piece[-1]) for piece in pieces), re.DOTALL)
