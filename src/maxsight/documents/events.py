"""The events of reading files."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from maxsight.documents.files import FileState
from maxsight.errors import UnreadableDocumentError
from maxsight.types import Page


@dataclass(frozen=True, slots=True)
class ReadJob:
    """One file to read.

    Attributes:
        path: The file.
        page_indices: Which pages (0-based), in this order; None for all.
        name: The document's name in notices.
        state: The file's state when the job was planned. Where it is another one at the end, `Changed` is the last
            event.
    """

    path: Path
    page_indices: tuple[int, ...] | None = None
    name: str = ""
    state: FileState | None = None


@dataclass(frozen=True, slots=True)
class _FileEvent:
    """Something about one file.

    Attributes:
        job: The file's job.
    """

    job: ReadJob


@dataclass(frozen=True, slots=True)
class _Refusal(_FileEvent):
    """A file, or one of its pages, can't be used.

    Attributes:
        error: Why.
    """

    error: UnreadableDocumentError


@dataclass(frozen=True, slots=True)
class Opened(_FileEvent):
    """A file could be opened; its pages follow.

    Attributes:
        page_count: Pages in the file.
    """

    page_count: int


@dataclass(frozen=True, slots=True)
class PageRead(_FileEvent):
    """A page was read.

    Attributes:
        page: The page.
    """

    page: Page


class PageFailed(_Refusal):
    """A page could not be read; the next one follows."""

    __slots__ = ()


class Failed(_Refusal):
    """A file can't be read, or not further."""

    __slots__ = ()


class Changed(_Refusal):
    """A file was written to while it was read, so its pages may be of two versions."""

    __slots__ = ()


class Done(_FileEvent):
    """A file was read to its end."""

    __slots__ = ()


Event = Opened | PageRead | PageFailed | Failed | Changed | Done


def missing_pages(page_count: int, stored: Collection[int]) -> tuple[int, ...]:
    """List the pages (0-based) of a file that are not stored yet, last first.

    A file is given up after several pages in a row that hang. From its other end the rest can be reached.
    """
    return tuple(sorted(set(range(page_count)).difference(stored), reverse=True))
