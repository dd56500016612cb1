"""Conditions on pages, as a small tree that is decided here, or written as SQL for Lance or as a filter for Milvus.

``filters`` makes the tree from what a user typed; ``match_path`` and ``match_paths`` make one in code.

Conditions follow SQL's three-valued logic. A comparison with a missing value is neither true nor false, and neither is
its ``NOT``. Only true keeps a page. Text is compared by code point and is case-sensitive. ``patterns`` has ``LIKE``.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from maxsight.stores.patterns import compile_like, fold
from maxsight.stores.phrases import compile_phrase
from maxsight.types import Scalar

Row = Mapping[str, Scalar | None]


OPERATORS: Mapping[str, Callable[[Scalar, Scalar], bool]] = {
    "=": operator.eq, "<>": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
"""The comparisons of SQL."""

_NEGATED = {"=": "<>", "<>": "=", "<": ">=", "<=": ">", ">": "<=", ">=": "<"}
"""The operator that holds where another one does not."""


@dataclass(frozen=True, slots=True)
class Compare:
    """``field symbol value``, where the symbol is one of ``OPERATORS``."""

    field: str
    symbol: str
    value: Scalar


@dataclass(frozen=True, slots=True)
class OneOf:
    """``field IN (values)``."""

    field: str
    values: tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class Like:
    """``field LIKE pattern``; with ``any_case``, ``field ILIKE pattern``."""

    field: str
    pattern: str
    any_case: bool = False


@dataclass(frozen=True, slots=True)
class Contains:
    """``field CONTAINS phrase``: has it to the letter; ``phrases`` says what is equal."""

    field: str
    phrase: str


@dataclass(frozen=True, slots=True)
class IsMissing:
    """``field IS NULL``."""

    field: str


@dataclass(frozen=True, slots=True)
class Not:
    """``NOT condition``."""

    condition: Condition


@dataclass(frozen=True, slots=True)
class AllOf:
    """``condition AND condition``."""

    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """``condition OR condition``."""

    conditions: tuple[Condition, ...]


Condition = Compare | OneOf | Like | Contains | IsMissing | Not | AllOf | AnyOf


@dataclass(frozen=True, slots=True)
class Filter:
    """A choice of pages.

    Attributes:
        condition: True for the pages to keep.
    """

    condition: Condition

    def matches(self, row: Row) -> bool:
        """Decide whether a page is kept.

        Args:
            row: The page's ``file``, ``path``, ``page_number``, text (``fields.PAGE_TEXT``) and the user's fields. An
                absent field is missing.
        """
        return decide(self.condition, row) is True


def match_path(path: str) -> Filter:
    """Keep the pages of one document."""
    return Filter(Compare("path", "=", path))


def match_paths(paths: Sequence[str]) -> Filter:
    """Keep the pages of one or more documents."""
    return Filter(OneOf("path", tuple(paths)))


def names_field(condition: Condition, field: str) -> bool:
    """Return whether a condition depends on a field."""
    match condition:
        case Not(inner):
            return names_field(inner, field)
        case AllOf(conditions) | AnyOf(conditions):
            return any(names_field(each, field) for each in conditions)
    return condition.field == field


def decide(condition: Condition, row: Row) -> bool | None:
    """Decide a condition for a page; None where a missing value leaves it open."""
    match condition:
        case Not(inner):
            decided = decide(inner, row)
            return None if decided is None else not decided
        case AllOf(conditions):
            return _decide_by(False, conditions, row)
        case AnyOf(conditions):
            return _decide_by(True, conditions, row)
        case IsMissing(field):
            return row.get(field) is None
    stored = row.get(condition.field)
    if stored is None:
        return None
    match condition:
        case Compare(_, symbol, value):
            return OPERATORS[symbol](stored, value)
        case OneOf(_, values):
            return stored in values
        case Like(_, pattern, any_case):
            text = str(stored)
            if any_case:
                text, pattern = fold(text), fold(pattern)
            return compile_like(pattern).fullmatch(text) is not None
        case Contains(_, phrase):
            return compile_phrase(phrase).search(str(stored)) is not None


def _decide_by(value: bool, conditions: Sequence[Condition], row: Row) -> bool | None:
    """Decide by the value that one condition alone can force: false for ``AND``, true for ``OR``."""
    decided = [decide(condition, row) for condition in conditions]
    return value if value in decided else None if None in decided else not value


def push_not(condition: Condition, *, negated: bool = False) -> Condition:
    """Rewrite a condition, or its ``NOT``, so that ``NOT`` stands only before leaves other than comparisons."""
    match condition:
        case Not(inner):
            return push_not(inner, negated=not negated)
        case AllOf(conditions) | AnyOf(conditions):
            kind = AllOf if isinstance(condition, AllOf) is not negated else AnyOf
            return kind(tuple(push_not(each, negated=negated) for each in conditions))
        case Compare(field, symbol, value) if negated:
            return Compare(field, _NEGATED[symbol], value)
    return Not(condition) if negated else condition
