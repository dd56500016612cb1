"""Values in filters: read from the parser's nodes, and converted to the type of their field."""

from __future__ import annotations

import math
import re

from sqlglot import exp

from maxsight.errors import FilterError
from maxsight.stores.fields import INT64_MAX, FieldType, field_type
from maxsight.types import Scalar


def read_value(field: str, kind: FieldType, node: exp.Expression) -> Scalar:
    """Read the value that a field is compared with.

    Args:
        field: The field, for error messages.
        kind: Its type.
        node: The parser's node of the value.

    Raises:
        FilterError: The node is not a value, or one of another type.
    """
    value = _read(node)
    found = field_type(value)
    if kind is FieldType.NUMBER and found is FieldType.INTEGER:
        value, found = float(value) + 0.0, FieldType.NUMBER
    if kind is FieldType.INTEGER and isinstance(value, float) and value.is_integer():
        value, found = int(value), FieldType.INTEGER
    if found is not kind:
        raise FilterError(f"{field} holds {kind} values and can't be compared with {node.sql()}")
    if isinstance(value, int) and abs(value) > INT64_MAX:
        raise FilterError(f"{field}: {node.sql()} does not fit in 64 bits")
    return value


def _read(node: exp.Expression) -> Scalar:
    match node:
        case exp.Paren():
            return _read(node.this)
        case exp.Boolean():
            return bool(node.this)
        case exp.Neg():
            value = _read(node.this)
            if isinstance(value, str | bool):
                raise FilterError(f"{node.sql()} is not a number")
            return 0.0 - value if isinstance(value, float) else -value
        case exp.Literal(is_string=True):
            return _text(node.name)
        case exp.Literal():
            return _number(node.name)
        case exp.Null():
            raise FilterError("a filter can't compare with NULL", hint="Write: field IS NULL")
        case exp.Column():
            written = ".".join(part.name for part in node.parts)
            raise FilterError(f"expected a value, got the field {written}", hint=suggest_quotes(written))
        # An unquoted path, name or date.
        case exp.Add() | exp.Sub() | exp.Mul() | exp.Div() | exp.Mod() | exp.Dot():
            raise FilterError(
                f"expected a value, got {node.sql()}, and filters don't calculate",
                hint=suggest_quotes(re.sub(r" ([-+*/%]) ", r"\1", node.sql())),
            )
    raise FilterError(f"expected a value, got {describe(node)}")


def suggest_quotes(text: str) -> str:
    """Write a hint that shows text in quotes."""
    quoted = text.replace("'", "''")
    return f"Text is written in single quotes: '{quoted}'."


def _text(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise FilterError(f"the filter has text that is not Unicode: {text!r}") from error
    return text


def _number(text: str) -> int | float:
    number = float(text)
    if not math.isfinite(number):
        raise FilterError(f"the number {text} is too large")
    try:
        return int(text)
    except ValueError:
        return number


def describe(node: exp.Expression) -> str:
    """Name a node of the parser, with its SQL."""
    sql = node.sql()
    return f"{type(node).__name__.upper()} ({sql if len(sql) < 60 else sql[:57] + '...'})"
