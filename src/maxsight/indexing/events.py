"""The events of an indexing run, its progress, and their sum."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from maxsight.notices import Noticed
from maxsight.types import Document, LeftOut, Scalar

PREDICTED_CER = "predicted_cer"
UNREADABLE_CER = 0.2


@dataclass(frozen=True, slots=True)
class Found:
    """A file is looked at.

    Attributes:
        path: The document, or the file of records.
    """

    path: str


@dataclass(frozen=True, slots=True)
class Planned:
    """All files are known, and reading begins.

    Attributes:
        files: Files to read: new, changed or incomplete.
        copies: Files of the same content as another one, whose vectors they get.
        size_bytes: Bytes of the files to read.
    """

    files: int
    copies: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Progress:
    """A page was encoded. After all are encoded: a page was judged.

    Attributes:
        path: The page's document.
        pages: Pages encoded, or judged, in this run.
        share: The share of the encoding, or of the judging, that is done, by bytes. In [0, 1].
        pages_per_s: The mean since it began.
        remaining_s: Estimate; None at the start.
        judging: Whether the page was judged.
    """

    path: str
    pages: int
    share: float
    pages_per_s: float
    remaining_s: float | None
    judging: bool = False


@dataclass(frozen=True, slots=True)
class Indexed:
    """A document is in the library.

    Attributes:
        path: The document.
        pages: Pages written in this run.
        vectors: Vectors of these pages.
        action: ``added``, ``completed``, ``replaced``, or ``copied`` from an equal file.
    """

    path: str
    pages: int
    vectors: int
    action: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """A document has not changed.

    Attributes:
        path: The document.
    """

    path: str


@dataclass(frozen=True, slots=True)
class Judged:
    """A stored page was judged by its picture.

    Attributes:
        path: Its document.
        page_number: From 1.
        fields: The fields stored with the page: ``predicted_cer`` and others, or why there is no number.
        needs_ocr: Whether the page has no text layer, so that its text comes from OCR.
    """

    path: str
    page_number: int
    fields: Mapping[str, Scalar]
    needs_ocr: bool

    @property
    def is_unreadable(self) -> bool:
        """Whether OCR will probably misread so much that the page can't be found by its words."""
        predicted = self.fields.get(PREDICTED_CER, 0.0)
        return self.needs_ocr and isinstance(predicted, float) and predicted > UNREADABLE_CER


class NotIndexed(LeftOut):
    """A file, or one of its pages, could not be read. The run continues."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Removed:
    """A document was removed because its file is gone.

    Attributes:
        path: The document.
    """

    path: str


@dataclass(frozen=True, slots=True)
class Building:
    """All is written, and a server builds the index of the vectors.

    Attributes:
        share: The share of them that it has indexed. In [0, 1].
    """

    share: float


IndexEvent = (
    Found | Planned | Progress | Indexed | Skipped | NotIndexed | Removed | Judged | Building | Noticed
)


class Meter:
    """Estimates the time left from the bytes of the files that were read."""

    def __init__(self, size_bytes: int, *, judging: bool = False) -> None:
        self._total = max(1, size_bytes)
        self._done = 0.0
        self._pages = 0
        self._judging = judging
        self._start = time.monotonic()

    def add(self, document: Document) -> None:
        """Count one page of a document."""
        self._pages += 1
        self._done += document.size_bytes / max(1, document.page_count)

    def add_all(self, pages: int, size_bytes: int) -> None:
        """Count pages that were encoded elsewhere, and the bytes of their files."""
        self._pages += pages
        self._done += size_bytes

    def progress(self, path: str) -> Progress:
        """Report the progress."""
        elapsed = max(1e-6, time.monotonic() - self._start)
        share = min(1.0, self._done / self._total)
        remaining = elapsed * (1 - share) / share if share > 0 else None
        return Progress(path, self._pages, share, self._pages / elapsed, remaining, self._judging)


@dataclass(frozen=True, slots=True)
class IndexReport:
    """The sum of a run.

    Attributes:
        indexed: Documents written.
        skipped: How many documents had not changed.
        removed: Paths of removed documents.
        not_indexed: What could not be read.
        judged: How many pages were judged by their pictures.
        unreadable: The judged pages that OCR will probably misread, worst first.
        notices: What a user should know.
        pages: Pages written.
        vectors: Vectors of these pages.
        seconds: Wall time.
    """

    indexed: tuple[Indexed, ...]
    skipped: int
    removed: tuple[str, ...]
    not_indexed: tuple[NotIndexed, ...]
    judged: int
    unreadable: tuple[Judged, ...]
    notices: tuple[str, ...]
    pages: int
    vectors: int
    seconds: float

    def __repr__(self) -> str:
        """Sum it up, on one line; the fields have the rest."""
        return (
            f"IndexReport({len(self.indexed):,} documents indexed, {self.pages:,} pages in {self.seconds:.1f} s; "
            f"{self.skipped:,} unchanged, {len(self.removed):,} removed, {len(self.not_indexed):,} not read)"
        )

    @classmethod
    def of(cls, events: Iterable[IndexEvent], seconds: float) -> IndexReport:
        """Sum up a run's events."""
        by_kind: dict[type, list[Any]] = defaultdict(list)
        for event in events:
            by_kind[type(event)].append(event)
        return cls(
            indexed=tuple(by_kind[Indexed]),
            skipped=len(by_kind[Skipped]),
            removed=tuple(event.path for event in by_kind[Removed]),
            not_indexed=tuple(by_kind[NotIndexed]),
            judged=len(by_kind[Judged]),
            unreadable=tuple(
                sorted(
                    (event for event in by_kind[Judged] if event.is_unreadable),
                    key=lambda event: event.fields[PREDICTED_CER],
                    reverse=True,
                )
            ),
            notices=tuple(map(str, by_kind[Noticed])),
            pages=sum(event.pages for event in by_kind[Indexed]),
            vectors=sum(event.vectors for event in by_kind[Indexed]),
            seconds=seconds,
        )
