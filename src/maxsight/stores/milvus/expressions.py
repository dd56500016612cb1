"""Filters as Milvus reads them: boolean expressions over the columns a page's own and its user's fields lie in.

Written from the tree in ``conditions``, never from what a user typed. The library's own fields are columns of their
names; the user's are keys of one JSON column, where a field that is missing has no key.

What a server can't decide as we do is written so that it keeps all pages the filter keeps, and some more; the rows it
answers with are then decided one by one with ``Filter.matches``. ``Expression.exact`` says which of the two it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote, unquote

from maxsight.stores.conditions import (
    AllOf,
    AnyOf,
    Compare,
    Condition,
    Filter,
    IsMissing,
    Like,
    Not,
    OneOf,
)
from maxsight.stores.fields import OWN_FIELDS
from maxsight.types import Scalar

METADATA_COLUMN = "metadata"

EVERY_PAGE, NO_PAGE = "page_number >= 1", "page_number < 1"
"""Milvus has no constants that are conditions."""

_WRITTEN = {"=": "==", "<>": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_NEGATED = {"=": "<>", "<>": "=", "<": ">=", "<=": ">", ">": "<=", ">=": "<"}
_CASED = re.compile(r"\\.|_|[^\x00-@\[-`{-\x7f]", re.DOTALL)
"""Letters, whatever is not ASCII, and what is escaped."""
_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n", "\r": r"\r", "\t": r"\t"})


@dataclass(frozen=True, slots=True)
class Dialect:
    """What the expressions of a server can say.

    Attributes:
        like_anywhere: ``LIKE`` takes ``%`` at any place (Milvus 2.4, Milvus Lite), not at the end alone.
        json_in: ``IN`` takes a key of a JSON column (Milvus, not Milvus Lite).
    """

    like_anywhere: bool
    json_in: bool


@dataclass(frozen=True, slots=True)
class Expression:
    """A filter for a server.

    Attributes:
        text: What is sent.
        exact: Whether it keeps just the pages the filter keeps, and not some more.
    """

    text: str
    exact: bool = True


def to_milvus(where: Filter, dialect: Dialect) -> Expression:
    """Write a filter for a server."""
    return _Writer(dialect).write(where.condition, negated=False)


def is_one_of(column: str, values: Iterable[Scalar]) -> str:
    """The expression for the rows whose column holds one of the values."""
    return f"{column} in [{', '.join(map(literal, values))}]"


def literal(value: Scalar) -> str:
    """A value as Milvus reads it."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return f'"{value.translate(_ESCAPES)}"'
    return repr(value)


def metadata_key(field: str) -> str:
    """The key a user's field has in the JSON column: letters, digits, ``_``, ``-`` and ``%`` alone.

    Servers read keys as JSON pointers, as names or as dotted paths, each with its own special characters.
    """
    return quote(field, safe="").replace(".", "%2E").replace("~", "%7E")


def metadata_field(key: str) -> str:
    """The user's field that has this key."""
    return unquote(key)


class _Writer:
    """Writes conditions. ``NOT`` is carried down to the leaves: servers differ in what it makes of a missing key."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect

    def write(self, condition: Condition, *, negated: bool) -> Expression:
        match condition:
            case Not(inner):
                return self.write(inner, negated=not negated)
            case AllOf(conditions):
                return self._joined("or" if negated else "and", conditions, negated)
            case AnyOf(conditions):
                return self._joined("and" if negated else "or", conditions, negated)
            case IsMissing(field):
                return Expression(_is_present(field) if negated else _is_missing(field))
            case Compare(field, _, bool()) | OneOf(field, (bool(), *_)):
                return Expression(_is_truth(field, condition, negated))
            case Compare(field, symbol, value):
                return Expression(_compared(field, _NEGATED[symbol] if negated else symbol, value))
            case OneOf(field, values):
                return Expression(self._listed(field, values, negated))
            case Like(field, pattern, any_case=True) if _CASED.search(pattern):  # servers only know LIKE
                wider = (
                    Expression(_is_present(field))
                    if negated
                    else self._like(field, _caseless(pattern), False)
                )
                return Expression(wider.text, exact=False)
            case Like(field, pattern):
                return self._like(field, pattern, negated)
        raise TypeError(f"no condition: {condition!r}")

    def _joined(self, word: str, conditions: tuple[Condition, ...], negated: bool) -> Expression:
        written = [self.write(condition, negated=negated) for condition in conditions]
        text = f" {word} ".join(f"({part.text})" for part in written)
        return Expression(text, all(part.exact for part in written))

    def _listed(self, field: str, values: tuple[Scalar, ...], negated: bool) -> str:
        if field in OWN_FIELDS or self._dialect.json_in:
            listed = is_one_of(_place(field), values)
        else:
            listed = " or ".join(_compared(field, "=", value) for value in values)
        return _present_and(field, f"not ({listed})") if negated else listed

    def _like(self, field: str, pattern: str, negated: bool) -> Expression:
        if not re.search(r"[%_\\]", pattern):  # 2.3 takes an empty pattern for one that fits everything
            return self.write(Compare(field, "=", pattern), negated=negated)
        written = _portable(pattern, self._dialect.like_anywhere)
        if written != pattern and negated:
            return Expression(_is_present(field), exact=False)
        text = f"{_place(field)} like {literal(written)}"
        if negated:
            text = _present_and(field, f"not ({text})")
        return Expression(text, exact=written == pattern)


def _portable(pattern: str, like_anywhere: bool) -> str:
    """The pattern as every server reads it, or one that fits at least the same texts.

    They disagree on the backslash, and on whether ``_`` is a byte or a character.
    """
    if like_anywhere:
        return re.sub(r"\\.|[\\_]", "%", pattern, flags=re.DOTALL)
    plain = re.match(r"[^%_\\]*", pattern)
    assert plain is not None  # it may be empty
    return plain[0] + "%"


def _caseless(pattern: str) -> str:
    """A pattern that fits at least the texts that are the same in lower case: it leaves open what has a case."""
    return re.sub("%+", "%", _CASED.sub("%", pattern))


def _place(field: str) -> str:
    return field if field in OWN_FIELDS else f'{METADATA_COLUMN}["{metadata_key(field)}"]'


def _is_present(field: str) -> str:
    return EVERY_PAGE if field in OWN_FIELDS else f"exists {_place(field)}"


def _is_missing(field: str) -> str:
    return NO_PAGE if field in OWN_FIELDS else f"not (exists {_place(field)})"


def _present_and(field: str, text: str) -> str:
    """``EXISTS`` takes all that follows it for its own, and the library's own fields are always there."""
    return text if field in OWN_FIELDS else f"({_is_present(field)}) and {text}"


def _compared(field: str, symbol: str, value: Scalar) -> str:
    text = f"{_place(field)} {_WRITTEN[symbol]} {literal(value)}"
    return _present_and(field, text) if symbol == "<>" else text


def _is_truth(field: str, condition: Condition, negated: bool) -> str:
    """True and false have no order for a server: name those of the two that the condition keeps."""
    kept = [value for value in (False, True) if condition.decide({field: value}) is not negated]
    return " or ".join(_compared(field, "=", value) for value in kept) or NO_PAGE
