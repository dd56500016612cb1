"""What reading files tells, step by step."""

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
class Opened:
    """A file could be opened; its pages follow.

    Attributes:
        job: The file's job.
        page_count: Pages in the file.
    """

    job: ReadJob
    page_count: int


@dataclass(frozen=True, slots=True)
class PageRead:
    """A page was read.

    Attributes:
        job: The file's job.
        page: The page.
    """

    job: ReadJob
    page: Page


@dataclass(frozen=True, slots=True)
class PageFailed:
    """A page could not be read; the others go on.

    Attributes:
        job: The file's job.
        page_index: The page, from 0.
        error: Why.
    """

    job: ReadJob
    page_index: int
    error: UnreadableDocumentError


@dataclass(frozen=True, slots=True)
class Failed:
    """The last event of a file that can't be read, or not any further.

    Attributes:
        job: The file's job.
        error: Why.
    """

    job: ReadJob
    error: UnreadableDocumentError


@dataclass(frozen=True, slots=True)
class Changed:
    """The last event of a file that was written to while it was read: its pages may be of two versions.

    Attributes:
        job: The file's job.
        error: Says so.
    """

    job: ReadJob
    error: UnreadableDocumentError


@dataclass(frozen=True, slots=True)
class Done:
    """The last event of every other file.

    Attributes:
        job: The file's job.
    """

    job: ReadJob


Event = Opened | PageRead | PageFailed | Failed | Changed | Done


def missing_pages(page_count: int, stored: Collection[int]) -> tuple[int, ...]:
    """List the pages (0-based) of a file that are not stored yet, last first.

    A file is given up after several pages in a row that hang. From its other end the rest can be reached.
    """
    return tuple(sorted(set(range(page_count)).difference(stored), reverse=True))
