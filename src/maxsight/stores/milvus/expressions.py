"""Filters as Milvus reads them: boolean expressions over a page's columns.

They are written from the tree in ``conditions``, never from what a user typed. The library's own fields are columns of
their names. The user's fields are keys of one JSON column; a missing field has no key.

Servers differ, and some can't decide a condition as maxsight does. It is then sent in a wider form that keeps at least
the same pages, ``Expression.exact`` is false, and ``Filter.matches`` decides each row of the answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote

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
    decide,
    names_field,
    push_not,
)
from maxsight.stores.fields import OWN_FIELDS, PAGE_TEXT
from maxsight.stores.milvus.batches import cut_batches
from maxsight.stores.milvus.capabilities import Capabilities
from maxsight.types import Scalar

METADATA_COLUMN = "metadata"

EVERY_PAGE, NO_PAGE = "page_number >= 1", "page_number < 1"
"""Milvus has no constants true and false."""

_SYMBOLS = {"=": "==", "<>": "!="}
"""Operators that Milvus writes in another way than SQL."""

MAX_EXPRESSION_BYTES = 64 << 10
"""Of an expression that names pages."""

MAX_PERCENTS = 3
"""Of a pattern that is sent. Old servers and Milvus Lite backtrack: each ``%`` multiplies time by the text's length."""

_CASED = re.compile(r"\\.|_|[^\x00-@\[-`{-\x7f]", re.DOTALL)
"""Letters, characters beyond ASCII, ``_`` and escapes: where ``LIKE`` is stricter than ``ILIKE``, or servers differ."""

_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n", "\r": r"\r", "\t": r"\t"})


@dataclass(frozen=True, slots=True)
class Expression:
    """A filter for a server.

    Attributes:
        text: The expression.
        exact: It keeps the same pages as the filter. If false, it may keep more.
    """

    text: str
    exact: bool = True


def to_milvus(where: Filter, server: Capabilities) -> Expression:
    """Write a filter for a server."""
    return _Writer(server).write(push_not(where.condition))


def match_values(column: str, values: Iterable[Scalar]) -> str:
    """Write the expression for rows with one of the values in a column."""
    return f"{column} in [{', '.join(map(write_literal, values))}]"


def name_pages(column: str, values: Iterable[Scalar]) -> list[str]:
    """Write the expressions for rows with one of the values in a column, each of bounded length."""
    batches = cut_batches(values, MAX_EXPRESSION_BYTES, lambda value: len(str(value).encode()) + 4)
    return [match_values(column, some) for some in batches]


def write_literal(value: Scalar) -> str:
    """Write a value as Milvus reads it."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return f'"{value.translate(_ESCAPES)}"'
    return repr(value)


def name_key(field: str) -> str:
    """Name the key of a user's field in the JSON column. It has only letters, digits, ``_``, ``-`` and ``%``.

    Servers read keys as JSON pointers, names or dotted paths. Each form has its own special characters.
    """
    return quote(field, safe="").replace(".", "%2E").replace("~", "%7E")


class _Writer:
    """Writes conditions, with ``NOT`` only before leaves: servers differ in ``NOT`` of a missing key."""

    def __init__(self, server: Capabilities) -> None:
        self._server = server

    def write(self, condition: Condition) -> Expression:
        match condition:
            case AllOf(conditions):
                return self._joined("and", conditions)
            case AnyOf(conditions):
                return self._joined("or", conditions)
            case Not(leaf):
                return self._leaf(leaf, negated=True)
        return self._leaf(condition, negated=False)

    def _leaf(self, condition: Condition, *, negated: bool) -> Expression:
        if names_field(condition, PAGE_TEXT):  # servers cut long text and have no phrases
            return Expression(EVERY_PAGE, exact=False)
        match condition:
            case IsMissing(field):
                return Expression(_is_present(field) if negated else _is_missing(field))
            case Compare(field, _, bool()) | OneOf(field, (bool(), *_)):
                return Expression(_is_truth(field, condition, negated))
            case Compare(field, symbol, value):
                return Expression(_compared(field, symbol, value))
            case OneOf(field, values):
                return Expression(self._listed(field, values, negated))
            case Like(field, pattern, any_case=True) if _CASED.search(pattern):  # servers have no ILIKE
                if negated:
                    return Expression(_is_present(field), exact=False)
                return Expression(self._like(field, _CASED.sub("%", pattern), False).text, exact=False)
            case Contains(field):
                return Expression(_is_present(field), exact=False)
            case Like(field, pattern):
                return self._like(field, pattern, negated)
        raise TypeError(f"not a leaf: {condition!r}")

    def _joined(self, word: str, conditions: tuple[Condition, ...]) -> Expression:
        written = [self.write(condition) for condition in conditions]
        text = f" {word} ".join(f"({part.text})" for part in written)
        return Expression(text, all(part.exact for part in written))

    def _listed(self, field: str, values: tuple[Scalar, ...], negated: bool) -> str:
        if field in OWN_FIELDS or self._server.json_in:
            listed = match_values(_place(field), values)
        else:
            listed = " or ".join(_compared(field, "=", value) for value in values)
        return _present_and(field, f"not ({listed})") if negated else listed

    def _like(self, field: str, pattern: str, negated: bool) -> Expression:
        if not re.search(r"[%_\\]", pattern):  # in 2.3 an empty pattern matches all
            return Expression(_compared(field, "<>" if negated else "=", pattern))
        written = _portable(pattern, self._server.like_anywhere)
        exact = written == re.sub("%+", "%", pattern)
        if negated and not exact:
            return Expression(_is_present(field), exact=False)
        text = f"{_place(field)} like {write_literal(written)}"
        if negated:
            text = _present_and(field, f"not ({text})")
        return Expression(text, exact=exact)


def _portable(pattern: str, like_anywhere: bool) -> str:
    """Write the pattern as every server reads it, or else one that matches at least the same texts.

    Servers disagree on backslashes, and on whether ``_`` is a byte or a character.
    """
    if like_anywhere:
        segments = re.sub(r"(\\.|[\\_%])+", "%", pattern, flags=re.DOTALL).split("%")
        return "%".join(segments if len(segments) <= MAX_PERCENTS + 1 else [*segments[:MAX_PERCENTS], ""])
    plain = re.match(r"[^%_\\]*", pattern)
    assert plain is not None  # the match may be empty
    return plain[0] + "%"


def _place(field: str) -> str:
    return field if field in OWN_FIELDS else f'{METADATA_COLUMN}["{name_key(field)}"]'


def _is_present(field: str) -> str:
    return EVERY_PAGE if field in OWN_FIELDS else f"exists {_place(field)}"


def _is_missing(field: str) -> str:
    return NO_PAGE if field in OWN_FIELDS else f"not (exists {_place(field)})"


def _present_and(field: str, text: str) -> str:
    """Add that a user's field is present, in parentheses: without, ``EXISTS`` takes all that follows as its own."""
    return text if field in OWN_FIELDS else f"({_is_present(field)}) and {text}"


def _compared(field: str, symbol: str, value: Scalar) -> str:
    text = f"{_place(field)} {_SYMBOLS.get(symbol, symbol)} {write_literal(value)}"
    return _present_and(field, text) if symbol == "<>" else text


def _is_truth(field: str, condition: Condition, negated: bool) -> str:
    """Name which of true and false the condition keeps: servers do not order them."""
    kept = [value for value in (False, True) if decide(condition, {field: value}) is not negated]
    return " or ".join(_compared(field, "=", value) for value in kept) or NO_PAGE
