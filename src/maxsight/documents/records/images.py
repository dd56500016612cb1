"""Rows that are pages: each has an image and says which page of which document it is.

Benchmarks of document search are published like this, for example ViDoRe.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from maxsight.documents.cleaning import replace_surrogates
from maxsight.documents.records.fields import field_of, find_key, tidy
from maxsight.documents.records.rows import plain_columns, read_rows
from maxsight.errors import InputError, UnreadableDocumentError
from maxsight.types import Scalar

ROWS_AT_ONCE = 4
"""Images in memory at a time; some have many megabytes."""
MAX_FIELD_CHARS = 1000
"""Longer texts are content, not fields to filter by."""
_SOURCE_ROW = re.compile(r"(.+):(\d+):([0-9a-f]{32}):(.+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class ImageFields:
    """Names of the fields of rows that are pages, by their meaning.

    Attributes:
        image: The page's image: the bytes of a file, a struct of ``bytes`` and ``path``, or the path of a file.
            Relative paths begin in the folder of the data file.
        document: Rows with the same value in this field are pages of one document. Without it, each row is one.
        page: The number of the page in its document, from 1 or from 0. Without it, pages are numbered by their order.
        text: The page's text; without it, OCR reads the image.
        id: The row's id. Documents without a name are named by it.
        metadata: Fields to filter by; all that are short texts, numbers, or true and false unless given.
    """

    image: str
    document: str | None = None
    page: str | None = None
    text: str | None = None
    id: str | None = None
    metadata: tuple[str, ...] | None = None

    def columns(self, file: Path) -> list[str]:
        """List the columns to read of a file, without the image.

        Raises:
            UnreadableDocumentError: The file can't be read.
        """
        named = filter(None, (self.document, self.page, self.text, self.id))
        others = plain_columns(file) if self.metadata is None else self.metadata
        return [name for name in dict.fromkeys((*named, *others)) if name != self.image]


@dataclass(frozen=True, slots=True)
class SourceRow:
    """Where the image of a stored page is.

    Attributes:
        file: The name of the data file.
        index: The row, from 0.
        digest: Digest of the image's bytes, in hex.
        image: The field with the image.
    """

    file: str
    index: int
    digest: str
    image: str

    def __str__(self) -> str:
        return f"{self.file}:{self.index + 1}:{self.digest}:{self.image}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what ``str`` has written."""
        found = _SOURCE_ROW.fullmatch(text)
        if found is None:
            raise InputError(f"not a row of a data file: {text[:100]!r}")
        file, number, digest, image = found.groups()
        return cls(file, int(number) - 1, digest, image)


@dataclass(frozen=True, slots=True)
class ImageRow:
    """One row that is a page.

    Attributes:
        index: Its place in its file, from 0.
        place: ``row 17``, for people.
        document: The name of its document.
        page_number: As the data has it; None if it has none.
        image: Digest of the image's bytes: the first half of their SHA-256.
        content: Digest of the text and the fields, likewise.
        size_bytes: Size of the image.
        fields: Fields to filter by.
        left_out: Names of the fields whose texts are too long to filter by.
    """

    index: int
    place: str
    document: str
    page_number: int | None
    image: bytes
    content: bytes
    size_bytes: int
    fields: Mapping[str, Scalar]
    left_out: tuple[str, ...]


def read_image_rows(file: Path, fields: ImageFields) -> Iterator[ImageRow | UnreadableDocumentError]:
    """Read the rows of a file, one after the other, with the digests of their images.

    Yields:
        Rows in their order; an error for each that can't be used.

    Raises:
        UnreadableDocumentError: The file as a whole can't be read, or has no such fields.
    """
    columns = [fields.image, *fields.columns(file)]
    for index, row in enumerate(read_rows(file, columns, at_once=ROWS_AT_ONCE)):
        try:
            if isinstance(row.values, InputError):
                raise row.values
            yield _image_row(index, row.place, row.values, fields, file)
        except InputError as error:
            yield UnreadableDocumentError(file, f"{row.place}: {error}", hint=error.hint)


def read_fields(file: Path, fields: ImageFields) -> Iterator[Mapping[str, Scalar]]:
    """Read the fields to filter by of each row, without the images."""
    for row in read_rows(file, fields.columns(file)):
        yield {} if isinstance(row.values, InputError) else _metadata(row.values, fields)[0]


def digest(content: bytes) -> bytes:
    """Return the first half of the SHA-256 of some bytes."""
    return hashlib.sha256(content).digest()[:16]


def image_bytes(value: Any, name: str, folder: Path) -> bytes:
    """Return the bytes of an image, which a row has or names.

    Raises:
        InputError: It has none, or the file that it names can't be read.
    """
    if isinstance(value, Mapping):
        content, path = value.get("bytes"), value.get("path")
        value = path if content is None else content
    if isinstance(value, bytes) and value:
        return value
    if isinstance(value, str) and value:
        try:
            return (folder / value).read_bytes()
        except (OSError, ValueError) as error:
            reason = (error.strerror if isinstance(error, OSError) else None) or error
            raise InputError(f"the image {value!r} can't be opened ({reason})") from error
    if value is None or value == b"" or value == "":
        raise InputError(f"there is no image in {name!r}")
    raise InputError(f"{name!r} must hold an image's bytes or its path, got {type(value).__name__}")


def row_text(values: Mapping[str, Any], name: str | None) -> str:
    """Return the text of a row, cleaned; empty if it has none.

    Raises:
        InputError: Something else than a text is there.
    """
    value = values.get(name) if name else None
    if value is None:
        return ""
    if not isinstance(value, str):
        raise InputError(f"{name!r} must be text, got {type(value).__name__}")
    return tidy(value).strip()


def _image_row(
    index: int, place: str, values: Mapping[str, Any], fields: ImageFields, file: Path
) -> ImageRow:
    content = image_bytes(values.get(fields.image), fields.image, file.parent)
    named_by = fields.document or fields.id
    document = find_key(field_of(values, named_by), named_by) if named_by else str(index + 1)
    number = None if fields.page is None else _page_number(field_of(values, fields.page), fields.page)
    metadata, left_out = _metadata(values, fields)
    rest = json.dumps([row_text(values, fields.text), sorted(metadata.items())]).encode()
    return ImageRow(
        index, place, document, number, digest(content), digest(rest), len(content), metadata, left_out
    )


def _page_number(value: Any, name: str) -> int:
    try:
        number = int(value)
        if isinstance(value, bool) or number != float(value) or number < 0:
            raise ValueError
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(f"{name!r} must be the number of a page, got {str(value)[:40]!r}") from error
    return number


def _metadata(values: Mapping[str, Any], fields: ImageFields) -> tuple[dict[str, Scalar], tuple[str, ...]]:
    """Return the fields to filter by, and the names of those whose texts are too long."""
    kept: dict[str, Scalar] = {}
    left_out: list[str] = []
    wanted = values if fields.metadata is None else fields.metadata
    for name in wanted:
        value = values.get(name)
        if name in (fields.image, fields.text) or not isinstance(value, str | int | float | bool):
            continue
        if isinstance(value, str):
            value = replace_surrogates(value)
            if len(value) > MAX_FIELD_CHARS:
                left_out.append(name)
                continue
        if not isinstance(value, float) or math.isfinite(value):  # NaN stands for a missing number
            kept[name] = value
    return kept, tuple(left_out)
