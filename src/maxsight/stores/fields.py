"""The user's metadata fields: their types, and which values they can hold.

The first value of a field fixes its type. ``file``, ``path`` and ``page_number`` are fields of the library
itself: filters can use them, and user fields can't take their names.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum

from maxsight.errors import InputError
from maxsight.identity import composed
from maxsight.types import Scalar


class FieldType(StrEnum):
    """The type of a field's values."""

    TEXT = "text"
    INTEGER = "whole number"
    NUMBER = "number"
    BOOLEAN = "true/false"


OWN_FIELDS: Mapping[str, FieldType] = {
    "file": FieldType.TEXT,
    "path": FieldType.TEXT,
    "page_number": FieldType.INTEGER,
}
SOURCE_ROW = "source_row"
"""The row of a data file that a page comes from, as `documents.records.images.SourceRow` writes it."""
PAGE_TEXT = ""
"""The page's text in a condition. Filters call it ``text``. Users' fields may have that name, but not the empty one."""
PAGE_LANGUAGE = "page_language"
"""The language of most of a page, as a code of ISO 639-1. Metadata of users often has a field ``language``."""
PAGE_FIELDS: Mapping[str, FieldType] = {
    PAGE_LANGUAGE: FieldType.TEXT,
    SOURCE_ROW: FieldType.TEXT,
    "predicted_cer": FieldType.NUMBER,
    "predicted_wer": FieldType.NUMBER,
    "quality_note": FieldType.TEXT,
    "quality_model": FieldType.TEXT,
}
"""Fields of single pages. They stay when the user's fields of a document are replaced."""
INT64_MAX = 2**63 - 1


def field_type(value: object) -> FieldType | None:
    """Return the type of a value; None if no field can hold it."""
    match value:
        case bool():  # before int: True is an int, too
            return FieldType.BOOLEAN
        case int():
            return FieldType.INTEGER
        case float():
            return FieldType.NUMBER
        case str():
            return FieldType.TEXT
    return None


def grow_fields(known: Mapping[str, FieldType], rows: Iterable[Mapping[str, Scalar]]) -> dict[str, FieldType]:
    """Add the fields of ``rows`` to the known ones.

    Number fields take whole numbers, too. Nothing else is converted.

    Args:
        known: The user's fields so far.
        rows: Fields of some documents.

    Returns:
        The known fields in their order, then the new ones.

    Raises:
        InputError: A value has another type than its field, no field can hold it, or a field's name can't be used.
    """
    fields = dict(known)
    fresh: dict[str, FieldType] = {}
    for row in rows:
        for name, value in row.items():
            kind = _checked_type(name, value)
            expected = fields.get(name) or fresh.setdefault(name, kind)
            if kind is expected or (kind, expected) == (FieldType.INTEGER, FieldType.NUMBER):
                continue
            if name in fresh and kind is FieldType.NUMBER and expected is FieldType.INTEGER:
                fresh[name] = FieldType.NUMBER
                continue
            raise InputError(
                f"metadata field {name!r} holds {expected} values, got the {kind} {value!r}",
                hint="Give the field another name, or give all documents the same type.",
            )
    return fields | fresh


def stored_value(value: Scalar, kind: FieldType) -> Scalar:
    """Return a value as its field stores it: text in Unicode NFC, and in number fields floats, 0.0 for -0.0."""
    if isinstance(value, str):
        return composed(value)
    return float(value) + 0.0 if kind is FieldType.NUMBER else value


def shared(pages: Sequence[Mapping[str, Scalar]]) -> dict[str, Scalar]:
    """Return the user's fields that all pages of a document share. Pages that are rows of data may differ."""
    first = of_document(pages[0])
    if all(page == pages[0] for page in pages):
        return first
    return {name: value for name, value in first.items() if all(page.get(name) == value for page in pages)}


def of_page(metadata: Mapping[str, Scalar]) -> dict[str, Scalar]:
    """Return the fields that belong to pages alone."""
    return {name: value for name, value in metadata.items() if name in PAGE_FIELDS}


def of_document(metadata: Mapping[str, Scalar]) -> dict[str, Scalar]:
    """Return the user's fields."""
    return {name: value for name, value in metadata.items() if name not in PAGE_FIELDS}


def _checked_type(name: str, value: Scalar) -> FieldType:
    if not isinstance(name, str) or not name:
        raise InputError(f"a metadata field needs a name, got {name!r}")
    if name in OWN_FIELDS:
        raise InputError(
            f"metadata field {name!r} has the name of a field of the library",
            hint=f"Give the field another name than {', '.join(OWN_FIELDS)}.",
        )
    _check_text(name, name)
    kind = field_type(value)
    if kind is None:
        raise InputError(
            f"metadata field {name!r}: expected text, a number or true/false, got {type(value).__name__}"
        )
    if isinstance(value, str):
        _check_text(name, value)
    if isinstance(value, float) and not math.isfinite(value):
        raise InputError(f"metadata field {name!r}: {value} is not a finite number")
    if isinstance(value, int) and abs(value) > INT64_MAX:
        raise InputError(f"metadata field {name!r}: {value} does not fit in 64 bits")
    return kind


def _check_text(name: str, text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InputError(f"metadata field {name!r}: {error.reason} in {text!r}") from error
