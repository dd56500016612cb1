"""What a check of a library's files finds: damaged files, faulty pages."""

from __future__ import annotations

from dataclasses import dataclass

_NAMED = 3


@dataclass(frozen=True, slots=True)
class Damage:
    """A file that can't be read any more.

    Attributes:
        file: Which file of the dataset, relative to it.
        reason: What is wrong with it.
        pages: How many pages are lost with it; None where that can't be known.
        page_ids: Their ids, where those can still be read.
        paths: Their documents, likewise.
        fragment_id: The group of rows the file belongs to.
        index: The index it belongs to.
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
            return f"{self.file}: {self.reason}; the text index has to be built anew"
        if self.pages == 0:
            return f"{self.file}: {self.reason}; no page is lost with it"
        lost = "the pages of the newest commit" if self.pages is None else f"{self.pages} pages"
        return f"{self.file}: {self.reason}; {lost}{self._documents()} can't be read"

    def _documents(self) -> str:
        if not self.paths:
            return ""
        more = len(self.paths) - _NAMED
        return f" of {', '.join(self.paths[:_NAMED])}" + (f" and {more} more" if more > 0 else "")


@dataclass(frozen=True, slots=True)
class Fault:
    """A page that is not what was written.

    Attributes:
        page_id: Its id; empty where not even that can be read.
        path: Its document; likewise.
        page_number: From 1; 0 where it can't be read.
        reason: What is wrong.
        row_id: Where it lies.
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
    """What reading everything has shown.

    Attributes:
        pages: Rows that were read.
        faults: Pages that are not what was written.
        damage: Files that can't be read.
        repaired: Whether the faults and the damage were dropped, so that the next ``index`` completes them.
    """

    pages: int
    faults: tuple[Fault, ...]
    damage: tuple[Damage, ...]
    repaired: bool

    @property
    def clean(self) -> bool:
        """Whether everything is as it was written."""
        return not self.faults and not self.damage
