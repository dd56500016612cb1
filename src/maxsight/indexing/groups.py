"""What runs over data files share: names of groups, records that can't be used, groups that are gone."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from urllib.parse import quote

from maxsight.documents.records.fields import Record
from maxsight.documents.records.images import ImageRow
from maxsight.errors import InputError, UnreadableDocumentError
from maxsight.identity import RECORD_MARK
from maxsight.indexing.events import NotIndexed, Removed
from maxsight.indexing.options import IndexOptions
from maxsight.notices import Noticed
from maxsight.spelling import list_names
from maxsight.stores.base import DocumentEntry, Store
from maxsight.stores.fields import OWN_FIELDS, PAGE_FIELDS, grow_fields
from maxsight.types import Scalar

MAX_NAMED = 100
"""So many unusable records of a file are named. The others are counted."""


FOR_RECORDS = {"records", "prune", "again", "settings", "wait"}
"""The options that apply to records."""


def check_options(options: IndexOptions, *others: str) -> None:
    """Refuse options that do not apply to records.

    Args:
        options: How to index.
        others: Options that apply, beside ``FOR_RECORDS``.

    Raises:
        InputError: It names them.
    """
    allowed = {*FOR_RECORDS, *others}
    if refused := sorted(name for name, value in options.items() if value and name not in allowed):
        raise InputError(
            f"{', '.join(refused)}: not for records", hint="The fields of a record are its metadata."
        )


def group_path(name: str, key: str) -> str:
    """Name the document of a group.

    Args:
        name: The path of its data file in the library.
        key: The group. What can't be in the last part of a path is percent-encoded.
    """
    quoted = "".join(quote(letter, safe="") if letter in "/\\%" else letter for letter in key)
    return f"{name}{RECORD_MARK}{quoted}"


def own_fields(fields: Mapping[str, Scalar]) -> dict[str, Scalar]:
    """Return a record's fields without those whose names are the library's own."""
    return {name: value for name, value in fields.items() if name not in {*OWN_FIELDS, *PAGE_FIELDS}}


class Problems:
    """Names the records of a file that can't be used, and counts those after the first ones.

    Attributes:
        count: How many there are.
    """

    def __init__(self) -> None:
        self.count = 0

    def add(self, error: UnreadableDocumentError) -> Iterator[NotIndexed]:
        """Name a record."""
        self.count += 1
        if self.count <= MAX_NAMED:
            yield NotIndexed.of(error)

    def end(self, file: str) -> Iterator[NotIndexed]:
        """Say how many were not named."""
        if self.count > MAX_NAMED:
            yield NotIndexed(file, None, f"{self.count - MAX_NAMED:,} more of its records can't be used")


class FieldTypes:
    """Checks the fields of records against those of the library."""

    def __init__(self, store: Store) -> None:
        self._types = store.fields()

    def check(self, record: Record | ImageRow, fields: Mapping[str, Scalar], file: str) -> dict[str, Scalar]:
        """Return a record's fields to filter by, without those whose names are the library's own.

        Raises:
            UnreadableDocumentError: One of them has another type in the library.
        """
        own = own_fields(fields)
        try:
            self._types = grow_fields(self._types, [own])
        except InputError as error:
            raise UnreadableDocumentError(file, f"{record.place}: {error}", hint=error.hint) from error
        return own


def look_for_gone(
    store: Store,
    entries: Mapping[str, DocumentEntry],
    name: str,
    found: Collection[str],
    *,
    prune: bool,
    problems: int,
) -> Iterator[Removed | Noticed]:
    """Remove documents whose records are no longer in a file, or say how many there are.

    Where a record can't be read, it may belong to one of them. Then all of them stay.

    Args:
        store: Where the documents are.
        entries: The stored documents, by path.
        name: The path of the file in the library.
        found: The documents that the file has.
        prune: Whether to remove the others.
        problems: How many records can't be read.
    """
    gone = [path for path in entries if path.startswith(f"{name}{RECORD_MARK}") and path not in found]
    if not gone:
        return
    if prune and not problems:
        store.remove(gone)
        yield from map(Removed, gone)
        return
    why = "records that can't be read may belong to them" if prune else "`prune` removes them"
    yield Noticed(f"{len(gone)} indexed documents are no longer in {name} ({list_names(gone)}); {why}")
