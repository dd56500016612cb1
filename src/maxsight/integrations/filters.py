"""The filters of frameworks, written as maxsight's SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from maxsight.errors import FilterError
from maxsight.spelling import suggest_similar
from maxsight.stores.filters import write_equality, write_literal, write_name

ORDERS = ("<", "<=", ">", ">=")


def compare(field: str, operator: str, value: Any) -> str:
    """Write one comparison: ``==``, ``!=``, an order, ``in``, ``not in``, ``contains``, ``icontains``, ``is missing``.

    A page without the field passes no comparison, and so passes its negation, as the frameworks have it.

    Raises:
        FilterError: No field can hold the value.
    """
    name = write_name(field)
    if operator == "is missing" or (operator == "==" and value is None):
        return f"{name} IS NULL"
    if operator in ("!=", "not in"):
        return f"NOT ({compare(field, '==' if operator == '!=' else 'in', value)})"
    match operator:
        case "==" | "in":
            condition = write_equality({field: value})
        case "contains":
            condition = f"{name} LIKE {_pattern(field, value)}"
        case "icontains":
            condition = f"{name} ILIKE {_pattern(field, value)}"
        case _:
            condition = f"{name} {operator} {write_literal(field, value)}"
    # False for a page without the field, where SQL has no answer: so its negation is true.
    return f"{condition} AND {name} IS NOT NULL"


def combine(operator: str, conditions: Sequence[str]) -> str:
    """Combine conditions by ``AND``, ``OR`` or ``NOT``, which negates all of them together.

    Raises:
        FilterError: One of them is empty.
    """
    if "" in conditions:
        raise FilterError("a part of the filter is empty", hint="Leave it out, or name a field in it.")
    if operator == "NOT":
        return f"NOT ({combine('AND', conditions)})"
    return f" {operator} ".join(f"({condition})" for condition in conditions)


def read_operators(filters: Mapping[str, Any]) -> str:
    """Write a filter of LangChain's vector stores: ``{"year": {"$gte": 2020}, "$or": [{...}, {...}]}``.

    Raises:
        FilterError: It has an unknown operator, or a value that no field can hold.
    """
    conditions = []
    for name, value in filters.items():
        if name in _LOGIC:
            parts = [value] if isinstance(value, Mapping) else value
            conditions.append(combine(name[1:].upper(), [read_operators(part) for part in parts]))
        elif name.startswith("$"):
            raise _unknown(name, _LOGIC)
        elif isinstance(value, Mapping):
            for operator, operand in value.items():
                if operator not in _DOLLAR:
                    raise _unknown(operator, _DOLLAR)
                conditions.append(compare(name, _DOLLAR[operator], operand))
        else:
            conditions.append(compare(name, "==", value))
    return combine("AND", conditions)


def unknown_operator(operator: object, known: Sequence[str]) -> FilterError:
    """Make the error for an operator that filters lack."""
    return _unknown(str(operator), dict.fromkeys(known, ""))


_LOGIC = ("$and", "$or", "$not")
_DOLLAR = {
    "$eq": "==", "$ne": "!=", "$lt": "<", "$lte": "<=", "$gt": ">", "$gte": ">=", "$in": "in", "$nin": "not in",
    "$like": "contains", "$ilike": "icontains",
}  # fmt: skip


def _pattern(field: str, value: Any) -> str:
    text = str(value)
    for special in "\\%_":
        text = text.replace(special, f"\\{special}")
    return write_literal(field, f"%{text}%")


def _unknown(operator: str, known: Sequence[str] | Mapping[str, str]) -> FilterError:
    return FilterError(
        f"a filter has no operator {operator!r}{suggest_similar(operator, list(known))}",
        hint=f'Use one of {", ".join(known)}, or give SQL: "year >= 2020".',
    )
