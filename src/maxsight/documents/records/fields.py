"""Records: rows of JSON Lines, CSV or Parquet, each with a text that belongs to some group.

A record's text is one paragraph or several. Vectors may come with it, one per paragraph. ``rows`` reads the rows of a
file, and ``groups`` gathers the records of each group.
"""

from __future__ import annotations

import datetime
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maxsight.documents.cleaning import clean, replace_surrogates
from maxsight.documents.records.rows import read_rows
from maxsight.documents.text import PARAGRAPH_BREAK
from maxsight.errors import InputError, UnreadableDocumentError
from maxsight.identity import composed
from maxsight.types import Scalar

MAX_KEY_CHARS = 500
SAMPLE_RECORDS = 1_000


@dataclass(frozen=True, slots=True)
class RecordFields:
    """Names of a record's fields, by their meaning.

    Attributes:
        group_by: Records with the same value in this field are one document.
        text: The text: a string with blank lines between paragraphs, or a list with a string for each.
        vector: Vectors that come with the data: one for the whole text, or a list with one for each paragraph. None if
            the encoder makes them.
        metadata: Fields to filter by. The first record of a group that has one counts. ``group_by`` is always one.
        title: A title, which is put before the first paragraph of the text. Records that have one need no text.
        made_by: The encoder that made the vectors, for a library that has an encoder. It is not checked.
    """

    group_by: str
    text: str
    vector: str | None = None
    metadata: tuple[str, ...] = ()
    title: str | None = None
    made_by: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """All names, each once."""
        others = filter(None, (self.vector, self.title))
        return tuple(dict.fromkeys((self.group_by, self.text, *others, *self.metadata)))


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """One record.

    Attributes:
        place: ``line 17`` or ``row 17``, for people.
        key: The name of its group.
        paragraphs: At least one; none is blank.
        vectors: Given vectors of unit norm, one per paragraph, or None. Shape ``(paragraphs, dim)``.
        metadata: Fields to filter by.
    """

    place: str
    key: str
    paragraphs: tuple[str, ...]
    vectors: NDArray[np.float32] | None
    metadata: Mapping[str, Scalar]


def read_records(
    path: Path, fields: RecordFields, *, dim: int | None
) -> Iterator[Record | UnreadableDocumentError]:
    """Read a file's records, one after the other.

    Args:
        path: A ``.jsonl``, ``.ndjson``, ``.csv`` or ``.parquet`` file.
        fields: The fields to read.
        dim: Length that vectors must have; None for any.

    Yields:
        Records in their order; an error for each that can't be used.

    Raises:
        UnreadableDocumentError: The file as a whole can't be read, or has no such fields.
    """
    for row in read_rows(path, fields.names):
        try:
            if isinstance(row.values, InputError):
                raise row.values
            yield _record(row.place, row.values, fields, dim)
        except InputError as error:
            yield UnreadableDocumentError(path, f"{row.place}: {error}", hint=error.hint)


def vector_dim(path: Path, fields: RecordFields) -> int:
    """Find the length that most vectors at the start of a file have. A damaged record does not decide it.

    Raises:
        UnreadableDocumentError: The file can't be read, or no record has a vector.
    """
    lengths = (
        int(record.vectors.shape[1])
        for record in read_records(path, fields, dim=None)
        if isinstance(record, Record) and record.vectors is not None
    )
    if counts := Counter(islice(lengths, SAMPLE_RECORDS)).most_common(1):
        return counts[0][0]
    raise UnreadableDocumentError(
        path,
        f"no record in it has a usable vector in the field {fields.vector!r}",
        hint="`maxsight index` without --vector-field has the encoder make the vectors.",
    )


def _record(place: str, values: Mapping[str, Any], fields: RecordFields, dim: int | None) -> Record:
    key = find_key(field_of(values, fields.group_by), fields.group_by)
    given = None if fields.vector is None else _vectors(field_of(values, fields.vector), fields.vector, dim)
    is_whole = given is not None and len(given) == 1
    text = _with_title(values, fields) if fields.title else field_of(values, fields.text)
    paragraphs = _paragraphs(text, fields.text, is_whole=is_whole)
    if given is not None and len(given) != len(paragraphs):
        raise InputError(
            f"{len(paragraphs)} paragraphs in {fields.text!r} and {len(given)} vectors in {fields.vector!r}",
            hint="Give one vector for the whole text, or as many as there are paragraphs.",
        )
    kept = {composed(name): _stored(values[name]) for name in fields.metadata if values.get(name) is not None}
    return Record(place, key, paragraphs, given, {composed(fields.group_by): key} | kept)


def _with_title(values: Mapping[str, Any], fields: RecordFields) -> Any:
    title, text = values.get(fields.title or ""), values.get(fields.text)
    if not isinstance(title, str) or not isinstance(text, str | None):
        return field_of(values, fields.text)
    return f"{title}\n{text or ''}"


def _stored(value: Any) -> Any:
    """Give a value as a field can hold it: times as ISO text, decimal numbers as floats."""
    match value:
        case str():
            return replace_surrogates(value)
        case datetime.date() | datetime.time():
            return value.isoformat()
        case Decimal():
            return float(value)
    return value


def field_of(values: Mapping[str, Any], name: str) -> Any:
    """Return the value of a field.

    Raises:
        InputError: The row has no such field, or it is empty.
    """
    if name not in values:
        names = ", ".join(list(values)[:8])
        raise InputError(f"no field {name!r}{f'; there are {names}' if names else ''}")
    if values[name] is None:
        raise InputError(f"{name!r} is empty")
    return values[name]


def find_key(value: Any, name: str) -> str:
    """Return a value as the name of a group.

    Raises:
        InputError: It is neither text nor a number, or it is blank or too long.
    """
    value = _stored(value)
    if isinstance(value, float) and value != value:  # NaN, which many programs write for a missing value
        raise InputError(f"{name!r} is not a number (NaN), and can't name a group")
    if not isinstance(value, str | int | float):
        raise InputError(f"{name!r} must be text or a number to group by, got {type(value).__name__}")
    key = " ".join(clean(str(value)).split())
    if not key:
        raise InputError(f"{name!r} is blank")
    if len(key) > MAX_KEY_CHARS:
        raise InputError(f"{name!r} has {len(key):,} characters; a group's name has at most {MAX_KEY_CHARS}")
    return key


def _paragraphs(value: Any, name: str, *, is_whole: bool) -> tuple[str, ...]:
    """Split a text into paragraphs without blank lines, so that blank lines can separate them."""
    if isinstance(value, str):
        text = tidy(value)
        parts: Sequence[str] = [text] if is_whole else PARAGRAPH_BREAK.split(text)
    elif isinstance(value, list) and all(isinstance(part, str) for part in value):
        parts = [tidy(part) for part in value]
    else:
        raise InputError(f"{name!r} must be text or a list of texts, got {type(value).__name__}")
    paragraphs = tuple(part for part in (PARAGRAPH_BREAK.sub("\n", part.strip()) for part in parts) if part)
    if not paragraphs:
        raise InputError(f"no text in {name!r}")
    return paragraphs


def tidy(text: str) -> str:
    """Clean a text, and write its line ends as Unix does."""
    return clean(text.replace("\r\n", "\n").replace("\r", "\n"))


def _vectors(value: Any, name: str, dim: int | None) -> NDArray[np.float32]:
    """Read one vector or several, as rows of unit norm."""
    if isinstance(value, str):  # a cell of a CSV file
        try:
            value = json.loads(value)
        except ValueError as error:
            raise InputError(f"{name!r} is not a list of numbers: {error}") from error
    try:
        vectors = np.atleast_2d(np.asarray(value, np.float64))
    except (ValueError, TypeError, OverflowError) as error:
        raise InputError(
            f"{name!r} holds vectors of several lengths, or values that are not numbers"
        ) from error
    if vectors.ndim != 2 or not vectors.size:
        raise InputError(f"{name!r} must be a vector or a list of vectors, got shape {vectors.shape}")
    if dim is not None and vectors.shape[1] != dim:
        raise InputError(f"{name!r} holds a vector of length {vectors.shape[1]}; the library's have {dim}")
    with np.errstate(over="ignore"):  # infinity is refused below
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not np.isfinite(norms).all():
        raise InputError(f"{name!r} holds NaN or infinity")
    if not norms.all():
        raise InputError(f"{name!r} holds a vector of zeros, which has no direction")
    return np.asarray(vectors / norms, np.float32)
