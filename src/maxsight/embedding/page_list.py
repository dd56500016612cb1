"""The list of the pages that a run has embedded: a line of JSON for each, and one for the recipe."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from dataclasses import fields as dataclass_fields
from typing import Any, Self

from maxsight.documents.files import FileState


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file as it was when its pages were embedded. In another state, it is embedded again.

    Attributes:
        name: The file as it was named or found, with forward slashes.
        state: Its size and time.
    """

    name: str
    state: FileState


@dataclass(frozen=True, slots=True)
class PageLine:
    """One page in the list.

    Attributes:
        name: The name of its file.
        size_bytes: The size of its file.
        modified_ns: When its file was last written, in nanoseconds since 1970.
        page_count: Pages of its file.
        page_index: The page, from 0.
        vectors: How many vectors are stored for it.
        crc32: Checksum of these vectors.
    """

    name: str
    size_bytes: int
    modified_ns: int
    page_count: int
    page_index: int
    vectors: int
    crc32: int

    @classmethod
    def parsed(cls, line: bytes) -> Self | None:
        """Read a line; None where it was cut off or is not one."""
        kinds = {field.name: str if field.name == "name" else int for field in dataclass_fields(cls)}
        values = parse_line(line)
        if values is None or {name: type(value) for name, value in values.items()} != kinds:
            return None
        return cls(**values)

    @property
    def source(self) -> SourceFile:
        """The file of the page."""
        return SourceFile(self.name, FileState(self.size_bytes, self.modified_ns))

    def written(self) -> bytes:
        """Write the line."""
        return write_line(asdict(self))


def write_line(values: Mapping[str, Any]) -> bytes:
    """Write a line of the list."""
    return json.dumps(values).encode() + b"\n"


def parse_line(line: bytes) -> dict[str, Any] | None:
    """Read a line's fields; None where it was cut off."""
    if not line.endswith(b"\n"):
        return None
    try:
        fields = json.loads(line)
    except ValueError:
        return None
    return fields if isinstance(fields, dict) else None
