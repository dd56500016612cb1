"""What happens in a run, as values, and their sum."""

from __future__ import annotations

from dataclasses import dataclass, field


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
    """A page was read.

    Attributes:
        path: The document at work.
        pages: Pages read in this run.
        share: Of the work, by bytes, in [0, 1].
        pages_per_s: Since reading began.
        remaining_s: Estimate; None until there is something to go by.
    """

    path: str
    pages: int
    share: float
    pages_per_s: float
    remaining_s: float | None


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
class NotIndexed:
    """A file, or a page of it, could not be read. Everything else goes on.

    Attributes:
        path: The file as found on disk.
        page_number: From 1; None for the whole file.
        reason: Why.
        hint: What to do next, or None.
    """

    path: str
    page_number: int | None
    reason: str
    hint: str | None


@dataclass(frozen=True, slots=True)
class Removed:
    """A document went because its file is gone."""

    path: str


@dataclass(frozen=True, slots=True)
class Noticed:
    """Something a user should know before trusting the results."""

    message: str


IndexEvent = Found | Planned | Progress | Indexed | Skipped | NotIndexed | Removed | Noticed


@dataclass(slots=True)
class IndexReport:
    """What a run did.

    Attributes:
        indexed: Documents written.
        skipped: Documents that had not changed.
        removed: Paths of documents that went.
        not_indexed: What could not be read.
        notices: What a user should know.
        pages: Pages written.
        vectors: Their vectors.
        seconds: Wall time.
    """

    indexed: list[Indexed] = field(default_factory=list)
    skipped: int = 0
    removed: list[str] = field(default_factory=list)
    not_indexed: list[NotIndexed] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    pages: int = 0
    vectors: int = 0
    seconds: float = 0.0

    def add(self, event: IndexEvent) -> None:
        """Take an event into account."""
        match event:
            case Indexed():
                self.indexed.append(event)
                self.pages += event.pages
                self.vectors += event.vectors
            case Skipped():
                self.skipped += 1
            case NotIndexed():
                self.not_indexed.append(event)
            case Removed():
                self.removed.append(event.path)
            case Noticed():
                self.notices.append(event.message)
