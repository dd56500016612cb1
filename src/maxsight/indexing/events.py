"""What happens in a run, as values, and their sum."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from maxsight.notices import Noticed
from maxsight.types import LeftOut, Scalar

PREDICTED_CER = "predicted_cer"
UNREADABLE_CER = 0.2


@dataclass(frozen=True, slots=True)
class Found:
    """A file is being looked at."""

    path: str


@dataclass(frozen=True, slots=True)
class Planned:
    """The files are known; reading begins.

    Attributes:
        files: Files to read: new, changed or incomplete.
        copies: Files that equal another one; their vectors are reused.
        size_bytes: Bytes of the files to read.
    """

    files: int
    copies: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Progress:
    """A page was encoded; or it was judged, once all are encoded.

    Attributes:
        path: The document at work.
        pages: Pages encoded, or judged, in this run.
        share: Of that work, by bytes, in [0, 1].
        pages_per_s: Since reading for it began.
        remaining_s: Estimate; None until there is something to go by.
        judging: Whether it was judged.
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
        vectors: Their vectors.
        action: ``added``, ``completed``, ``replaced`` or ``copied`` (vectors of an equal file reused).
    """

    path: str
    pages: int
    vectors: int
    action: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """A document was left as it is: nothing has changed."""

    path: str


@dataclass(frozen=True, slots=True)
class Judged:
    """A stored page was judged by its picture.

    Attributes:
        path: Its document.
        page_number: From 1.
        fields: What was said of it, kept with the page: ``predicted_cer`` and others, or why there is no number.
        needs_ocr: Whether it has no text of its own, so that what OCR makes of it is all that is known.
    """

    path: str
    page_number: int
    fields: Mapping[str, Scalar]
    needs_ocr: bool

    @property
    def is_unreadable(self) -> bool:
        """Whether OCR is expected to get too much of it wrong for the page to be found by its words."""
        predicted = self.fields.get(PREDICTED_CER, 0.0)
        return self.needs_ocr and isinstance(predicted, float) and predicted > UNREADABLE_CER


class NotIndexed(LeftOut):
    """A file, or a page of it, could not be read. Everything else goes on."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Removed:
    """A document went because its file is gone."""

    path: str


IndexEvent = Found | Planned | Progress | Indexed | Skipped | NotIndexed | Removed | Judged | Noticed


@dataclass(frozen=True, slots=True)
class IndexReport:
    """What a run did.

    Attributes:
        indexed: Documents written.
        skipped: How many documents had not changed.
        removed: Paths of documents that went.
        not_indexed: What could not be read.
        judged: How many pages were judged by their pictures.
        unreadable: Those of them that OCR is expected to misread, worst first.
        notices: What a user should know.
        pages: Pages written.
        vectors: Their vectors.
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

    @classmethod
    def of(cls, events: Iterable[IndexEvent], seconds: float) -> IndexReport:
        """Sum up a run's events."""
        kept: dict[type, list[Any]] = defaultdict(list)
        for event in events:
            kept[type(event)].append(event)
        return cls(
            indexed=tuple(kept[Indexed]),
            skipped=len(kept[Skipped]),
            removed=tuple(event.path for event in kept[Removed]),
            not_indexed=tuple(kept[NotIndexed]),
            judged=len(kept[Judged]),
            unreadable=tuple(
                sorted(
                    (event for event in kept[Judged] if event.is_unreadable),
                    key=lambda event: event.fields[PREDICTED_CER],
                    reverse=True,
                )
            ),
            notices=tuple(map(str, kept[Noticed])),
            pages=sum(event.pages for event in kept[Indexed]),
            vectors=sum(event.vectors for event in kept[Indexed]),
            seconds=seconds,
        )
