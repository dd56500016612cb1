"""The results of checking a library: damaged files and faulty pages."""

from __future__ import annotations

from dataclasses import dataclass

_MAX_NAMED = 3


@dataclass(frozen=True, slots=True)
class Damage:
    """Something that can't be read any more.

    Attributes:
        file: The file, relative to the dataset.
        reason: Why it counts as damaged.
        pages: The number of pages that are lost; None for the commit of a manifest.
        page_ids: The ids of those pages; empty if they can't be read.
        paths: The documents of those pages; empty if they can't be read.
        fragment_id: The fragment of a data file.
        index: The name of an index file's index.
    """

    file: str
    reason: str
    pages: int | None = None
    page_ids: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    fragment_id: int | None = None
    index: str | None = None

    def __str__(self) -> str:
        if self.index is not None:
            return f"{self.file}: {self.reason}; the text index has to be built again"
        if self.pages == 0:
            return f"{self.file}: {self.reason}; no page is lost with it"
        if self.pages is None:
            return f"{self.file}: {self.reason}; its commit is undone, but pages that it removed stay removed"
        return f"{self.file}: {self.reason}; {self.pages} pages{self._documents()} can't be read"

    def _documents(self) -> str:
        if not self.paths:
            return ""
        more = len(self.paths) - _MAX_NAMED
        return f" of {', '.join(self.paths[:_MAX_NAMED])}" + (f" and {more} more" if more > 0 else "")


@dataclass(frozen=True, slots=True)
class Fault:
    """A page that is not what was written.

    Attributes:
        page_id: Its id; empty if that can't be read.
        path: Its document; empty if that can't be read.
        page_number: From 1; 0 if that can't be read.
        reason: Why it counts as damaged.
        row_id: Lance's number of the row.
    """

    page_id: str
    path: str
    page_number: int
    reason: str
    row_id: int

    def __str__(self) -> str:
        return f"{self.path or 'unknown document'}, page {self.page_number or 'unknown'}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Verification:
    """The result of reading everything.

    Attributes:
        pages: The number of rows that were read.
        faults: Pages that are not what was written.
        damage: Files that can't be read.
        repaired: Whether faults and damage were dropped, so that the next ``index`` reads those pages again.
    """

    pages: int
    faults: tuple[Fault, ...]
    damage: tuple[Damage, ...]
    repaired: bool

    @property
    def clean(self) -> bool:
        """Whether everything is as it was written."""
        return not self.faults and not self.damage
