"""The documents of a store, listed once for each version, and found by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from maxsight import notebook
from maxsight.identity import page_id, page_ids
from maxsight.library.naming import Names, unknown_page
from maxsight.stores.base import AnyStore, DocumentEntry
from maxsight.stores.conditions import Filter, names_field
from maxsight.stores.fields import PAGE_TEXT

MAX_SHOWN = 200
"""Documents in a notebook's table."""


@dataclass(frozen=True, slots=True)
class _Listed:
    version: int
    entries: dict[str, DocumentEntry]
    names: Names


class Documents(list[DocumentEntry]):
    """Documents, by path. A notebook shows them as a table."""

    def __repr__(self) -> str:
        """Count them, on one line."""
        pages = sum(len(entry.page_indices) for entry in self)
        return f"Documents({len(self):,} with {pages:,} pages)"

    def _repr_html_(self) -> str:
        return self.shown()

    def shown(self) -> notebook.Html:
        """Return the table."""
        rows = [
            (
                entry.path,
                f"{len(entry.page_indices):,}" + ("" if entry.complete else f" of {entry.page_count:,}"),
                ", ".join(f"{name} {value}" for name, value in entry.metadata.items()),
            )
            for entry in self[:MAX_SHOWN]
        ]
        more = [notebook.quiet(f"and {len(self) - MAX_SHOWN:,} more")] if len(self) > MAX_SHOWN else []
        return notebook.element("div", notebook.table(("document", "pages", "fields"), rows), *more)


class Listing:
    """Lists the documents of a store and finds them by the names people type.

    Attributes:
        home: The folder that documents below it are named relative to; None if all are named absolutely.
    """

    def __init__(self, store: AnyStore, home: Path | None) -> None:
        """Read nothing yet."""
        self.home = home
        self._store = store
        self._listed: _Listed | None = None

    def documents(self, where: Filter | None = None) -> list[DocumentEntry]:
        """List all documents, by path; or those with at least one page that passes a filter."""
        entries = self._newest().entries.values()
        if where is not None and names_field(where.condition, PAGE_TEXT):  # listings have no text
            kept = {name for pages in self._store.vectors(where=where) for name in pages.page_ids}
            return [entry for entry in entries if kept & set(page_ids(entry.document, entry.page_indices))]
        return [entry for entry in entries if where is None or _keeps(where, entry)]

    def page_ids(self) -> list[str]:
        """Name all pages."""
        return [page for entry in self.documents() for page in page_ids(entry.document, entry.page_indices)]

    def find(self, file: str, *, on_disk: bool = True) -> DocumentEntry:
        """Find a document.

        Args:
            file: Its path or file name.
            on_disk: Whether ``file`` may also be a path on this machine.

        Raises:
            UnknownDocumentError: There is no such document.
            InputError: The name fits several.
        """
        listed = self._newest()
        names = listed.names
        return listed.entries[names.find_on_disk(file, self.home) if on_disk else names.find(file)]

    def find_page(self, file: str, page_number: int, *, on_disk: bool = True) -> str:
        """Find the id of a page, from 1, of a document.

        Raises:
            UnknownDocumentError: There is no such document.
            UnknownPageError: It has no such page.
            InputError: The name fits several documents.
        """
        entry = self.find(file, on_disk=on_disk)
        document = entry.document
        if page_number - 1 not in entry.page_indices:
            raise unknown_page(document.path, document.page_count, page_number)
        return page_id(document.path, document.content_hash, page_number - 1)

    def find_paths(self, files: Sequence[str], *, exact: bool) -> list[str]:
        """Find the paths of several documents; the name of a file of records means all documents made from it.

        Args:
            files: Paths or file names.
            exact: Take each for the whole path of one document.

        Raises:
            InputError: A name fits no document, or several.
        """
        names = self._newest().names
        if exact:
            return [names.find_exactly(file) for file in files]
        return [path for file in files for path in names.find_with_groups(file, self.home)]

    def _newest(self) -> _Listed:
        """The listing of the newest version. It is cached, since it reads a row of every page."""
        listed, version = self._listed, self._store.version
        if listed is None or listed.version != version:
            entries = {entry.document.path: entry for entry in self._store.documents()}
            listed = self._listed = _Listed(version, entries, Names(entries))
        return listed


def _keeps(condition: Filter, entry: DocumentEntry) -> bool:
    document = entry.document
    row = {**entry.metadata, "file": document.file, "path": document.path}
    own = entry.page_fields or ({},) * len(entry.page_indices)
    return any(
        condition.matches({**row, **fields, "page_number": index + 1})
        for index, fields in zip(entry.page_indices, own, strict=True)
    )
