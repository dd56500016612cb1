"""Filters as users type them: a SQL WHERE expression over a page's fields.

The fields are ``file`` (base name), ``path``, ``page_number`` (from 1) and the user's metadata. A filter compares them
with ``=``, ``<>``, ``<``, ``<=``, ``>``, ``>=``, ``IN``, ``BETWEEN``, ``LIKE``, ``ILIKE``, ``CONTAINS`` and ``IS
NULL``, and combines with ``AND``, ``OR``, ``NOT`` and parentheses. Any other SQL is refused by name. ``conditions``
defines the comparisons. ``text`` is the page's text, unless the user has a field of that name.

A field is found by its exact name, or without regard to case if only one name fits. A name with spaces or punctuation
needs double quotes: ``"Fiscal year" = 2020``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import sqlglot
from sqlglot import exp, parser, tokens
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import SqlglotError
from sqlglot.parser import binary_range_parser
from sqlglot.tokens import TokenType  # type: ignore[attr-defined,unused-ignore]

from maxsight.errors import FilterError, InputError
from maxsight.identity import composed
from maxsight.spelling import suggest_similar
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
)
from maxsight.stores.fields import OWN_FIELDS, PAGE_TEXT, FieldType, field_type
from maxsight.stores.literals import describe, read_value, suggest_quotes
from maxsight.stores.patterns import MAX_PATTERN_LENGTH
from maxsight.stores.phrases import MAX_PHRASES, pattern_of
from maxsight.types import Scalar

Where = str | Mapping[str, Scalar | Sequence[Scalar] | None] | Filter | None
"""A choice of pages: SQL as users type it, values that fields must have, or a filter that is parsed."""
MAX_DEPTH = 50
MAX_LENGTH = 100_000

_SYMBOLS: Mapping[type[exp.Expression], str] = {
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
}
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
"""The operator for the same comparison with its sides exchanged."""


class _Sql(Dialect):
    """SQL with ``text CONTAINS 'a phrase'``, which stands in the place of SQL's ``OVERLAPS``."""

    class Tokenizer(tokens.Tokenizer):
        KEYWORDS: ClassVar = {**tokens.Tokenizer.KEYWORDS, "CONTAINS": TokenType.OVERLAPS}

    class Parser(parser.Parser):
        RANGE_PARSERS: ClassVar = {
            **parser.Parser.RANGE_PARSERS,
            TokenType.OVERLAPS: binary_range_parser(exp.Contains),
        }


def parse_filter(expression: str, fields: Mapping[str, FieldType]) -> Filter:
    """Read a filter.

    Args:
        expression: The text after WHERE: ``file = 'a.pdf' AND page_number > 3 AND year >= 2020``.
        fields: The user's fields. ``file``, ``path`` and ``page_number`` are always known.

    Returns:
        The filter, with each value converted to its field's type.

    Raises:
        FilterError: The expression is invalid or too long, names an unknown field, compares a field with a value of
            another type, or uses SQL that filters don't have.
    """
    if not isinstance(expression, str):
        raise FilterError(
            f"a filter is SQL or a dictionary of values, got {type(expression).__name__}",
            hint="For example: where=\"year >= 2020\", or where={'year': 2024}",
        )
    if not expression.strip():
        raise FilterError("the filter is empty", hint="For example: file = 'a.pdf' AND page_number > 3")
    if len(expression) > MAX_LENGTH:
        raise FilterError(f"the filter has {len(expression):,} characters; the limit is {MAX_LENGTH:,}")
    expression = composed(expression)
    try:
        return Filter(_Reader(fields).condition(_parse(expression), depth=0))
    except FilterError as error:
        if bare := [name for name in fields if _stands_bare(name, expression)]:
            quoted = ", ".join(f'"{name}"' for name in bare)
            raise FilterError(str(error), hint=f"A name like this needs double quotes: {quoted}") from error
        raise


def write_equality(values: Mapping[str, Any]) -> str:
    """Write the filter that asks for values of fields: one value, one of several, or None for a missing one.

    Raises:
        FilterError: No field can hold such a value, or a list is empty.
    """
    conditions = []
    for name, value in values.items():
        field = write_name(str(name))
        if value is None:
            conditions.append(f"{field} IS NULL")
        elif isinstance(value, list | tuple | set | frozenset):
            if not value:
                raise FilterError(f"{name!r} is compared with no values", hint="Give at least one value.")
            conditions.append(f"{field} IN ({', '.join(write_literal(name, each) for each in value)})")
        else:
            conditions.append(f"{field} = {write_literal(name, value)}")
    return " AND ".join(conditions)


def write_name(name: str) -> str:
    """Write the name of a field in double quotes."""
    return f'"{name.replace(chr(34), chr(34) * 2)}"'


def write_literal(name: str, value: Any) -> str:
    """Write a value that a field is compared with.

    Raises:
        FilterError: No field can hold it.
    """
    value = value.item() if isinstance(value, np.generic) else value
    if field_type(value) is None:
        raise FilterError(
            f"{name!r} can't be compared with {value!r}: expected text, a number, true/false, None or a list of these",
            hint='For other conditions give SQL: where="year >= 2020".',
        )
    return f"'{value.replace(chr(39), chr(39) * 2)}'" if isinstance(value, str) else str(value)


def _stands_bare(name: str, expression: str) -> bool:
    """Say whether an expression has a field's name without the double quotes that it needs."""
    if not re.search(rf'(?<![\w".]){re.escape(name)}(?![\w".])', expression):
        return False
    try:
        column = _parse(f"{name} IS NULL").this
    except FilterError:
        return True
    return not (isinstance(column, exp.Column) and column.name == name and not column.args.get("table"))


def _parse(expression: str) -> exp.Expression:
    try:
        statements = sqlglot.parse(f"SELECT 1 WHERE {expression}\n", dialect=_Sql)
    except (SqlglotError, RecursionError) as error:
        raise FilterError(
            f"the filter {expression!r} can't be read: {_reason(error)}",
            hint="Text is written in single quotes, as in: file = 'annual report.pdf'",
        ) from error
    select = statements[0]
    if len(statements) != 1 or not isinstance(select, exp.Select):
        raise FilterError(f"the filter {expression!r} is more than one expression")
    extra = {name for name, value in select.args.items() if value} - {"kind", "expressions", "where"}
    where = select.args.get("where")
    if where is None or extra:
        named = ", ".join(sorted(extra)).upper() or "no condition"
        raise FilterError(f"the filter {expression!r} is not a condition ({named})")
    condition = where.this
    assert isinstance(condition, exp.Expression)  # the parser makes no WHERE without a condition
    return condition


def _reason(error: SqlglotError | RecursionError) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    details = getattr(error, "errors", None)
    if details and details[0].get("description"):
        return f"something is missing or too much near {details[0]['highlight']!r}"
    return str(error).partition("\n")[0]


class _Reader:
    """Converts the parser's nodes to conditions. A node that has no reader is refused."""

    def __init__(self, fields: Mapping[str, FieldType]) -> None:
        self._fields = {"text": FieldType.TEXT, **OWN_FIELDS, **fields}
        self._has_text = "text" not in fields
        self._phrases = 0
        self._readers: dict[type[exp.Expression], Callable[[exp.Expression, int], Condition]] = {
            **dict.fromkeys(_SYMBOLS, self._compare),
            exp.And: self._combine,
            exp.Or: self._combine,
            exp.Not: self._not,
            exp.Paren: lambda node, depth: self.condition(node.this, depth),
            exp.In: self._in,
            exp.Between: self._between,
            exp.Like: self._like,
            exp.ILike: self._like,
            exp.Contains: self._contains,
            exp.Is: self._is,
            exp.Column: self._truth,
        }

    def condition(self, node: exp.Expression, depth: int) -> Condition:
        reader = self._readers.get(type(node))
        if reader is None:
            raise FilterError(
                f"a filter can't use {describe(node)}",
                hint="It has = <> < <= > >= IN BETWEEN LIKE ILIKE CONTAINS IS NULL AND OR NOT and parentheses.",
            )
        if depth > MAX_DEPTH:
            raise FilterError(f"the filter is nested more than {MAX_DEPTH} deep")
        condition = reader(node, depth + 1)
        return Not(condition) if node.args.get("negate") else condition  # NOT LIKE, in newer parsers

    def _combine(self, node: exp.Expression, depth: int) -> Condition:
        # The parser nests a chain of ANDs on its left side. Walking it keeps the chain's length out of the depth.
        kind, parts = type(node), []
        while type(node) is kind:
            parts.append(node.args["expression"])
            node = node.this
        conditions = tuple(self.condition(part, depth) for part in (node, *reversed(parts)))
        return AllOf(conditions) if kind is exp.And else AnyOf(conditions)

    def _not(self, node: exp.Expression, depth: int) -> Condition:
        return Not(self.condition(node.this, depth))

    def _compare(self, node: exp.Expression, depth: int) -> Condition:
        symbol, left, right = _SYMBOLS[type(node)], node.this, node.args["expression"]
        if not isinstance(left, exp.Column) and isinstance(right, exp.Column):
            symbol, left, right = _MIRRORED.get(symbol, symbol), right, left
        field = self._field(left)
        return Compare(self._place(field), symbol, self._value(field, right))

    def _in(self, node: exp.Expression, depth: int) -> Condition:
        extras = [value for name, value in node.args.items() if name not in ("this", "expressions")]
        if any(extras) or not node.args["expressions"]:
            raise FilterError(f"a filter can't use {describe(node)}", hint="IN takes a list of values.")
        field = self._field(node.this)
        return OneOf(
            self._place(field), tuple(self._value(field, value) for value in node.args["expressions"])
        )

    def _between(self, node: exp.Expression, depth: int) -> Condition:
        field = self._field(node.this)
        low, high = self._value(field, node.args["low"]), self._value(field, node.args["high"])
        if node.args.get("symmetric"):
            raise FilterError("a filter can't use BETWEEN SYMMETRIC")
        place = self._place(field)
        return AllOf((Compare(place, ">=", low), Compare(place, "<=", high)))

    def _like(self, node: exp.Expression, depth: int) -> Condition:
        field, any_case = self._field(node.this), isinstance(node, exp.ILike)
        if self._fields[field] is not FieldType.TEXT:
            name = "ILIKE" if any_case else "LIKE"
            raise FilterError(f"{name} needs a text field, {field} holds {self._fields[field]} values")
        pattern = str(self._value(field, node.args["expression"]))
        if len(pattern) > MAX_PATTERN_LENGTH:
            raise FilterError(
                f"a LIKE pattern has {len(pattern):,} characters; the limit is {MAX_PATTERN_LENGTH:,}"
            )
        return Like(self._place(field), pattern, any_case)

    def _contains(self, node: exp.Expression, depth: int) -> Condition:
        field = self._field(node.this)
        phrase = self._value(field, node.args["expression"])
        if not isinstance(phrase, str):
            raise FilterError(f"CONTAINS needs a text field, {field} holds {self._fields[field]} values")
        self._phrases += 1
        if self._phrases > MAX_PHRASES:
            raise FilterError(f"the filter has CONTAINS more than {MAX_PHRASES} times")
        try:
            pattern_of(phrase)
        except InputError as error:
            raise FilterError(str(error), hint=error.hint) from error
        return Contains(self._place(field), phrase)

    def _is(self, node: exp.Expression, depth: int) -> Condition:
        if not isinstance(node.args["expression"], exp.Null):
            raise FilterError(f"a filter can't use {describe(node)}", hint="IS takes NULL or NOT NULL.")
        return IsMissing(self._place(self._field(node.this)))

    def _truth(self, node: exp.Expression, depth: int) -> Condition:
        field = self._field(node)
        if self._fields[field] is not FieldType.BOOLEAN:
            raise FilterError(
                f"{field} holds {self._fields[field]} values and is not a condition by itself",
                hint=f"Compare it: {field} = ...",
            )
        return Compare(field, "=", True)

    def _field(self, node: exp.Expression) -> str:
        if not isinstance(node, exp.Column) or not isinstance(node.this, exp.Identifier):
            raise FilterError(f"expected a field, got {describe(node)}", hint=self._known())
        if node.args.get("table"):
            raise FilterError(f"{node.sql()}: fields have no table", hint=f'Quote the dot: "{node.sql()}"')
        name = node.name
        if name in self._fields:
            return name
        alike = [field for field in self._fields if field.lower() == name.lower()]
        if len(alike) == 1 and not node.this.quoted:
            return alike[0]
        message = f"unknown field {name!r}{suggest_similar(name, self._fields)}"
        hint = self._known()
        if node.this.quoted:
            hint += f" {suggest_quotes(name)}"
        raise FilterError(message, hint=hint)

    def _place(self, field: str) -> str:
        """Return the field as conditions name it."""
        return PAGE_TEXT if field == "text" and self._has_text else field

    def _known(self) -> str:
        return f"Known fields: {', '.join(self._fields)}."

    def _value(self, field: str, node: exp.Expression) -> Scalar:
        return read_value(field, self._fields[field], node)
