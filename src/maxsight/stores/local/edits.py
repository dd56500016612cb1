"""Changes to stored pages, by page id: whole rows, or new values in few columns, with the vectors left in place."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

import lance
import pyarrow as pa

from maxsight.stores.conditions import match_paths
from maxsight.stores.fields import FieldType, stored_value
from maxsight.stores.lance_sql import name_column, to_lance, write_literal
from maxsight.stores.local.arrow_rows import metadata_of, metadata_row, to_table
from maxsight.stores.page_rows import Row, checksum
from maxsight.types import Document, Scalar


class StoredIds:
    """Remembers which pages may be stored while this process holds the lock, so that new pages are appended.

    Looking for pages to replace takes Lance 20 ms, and 130 ms where there are 300 fragments; appending takes 5.
    """

    def __init__(self) -> None:
        self._version: int | None = None
        self._ids: set[str] = set()

    def refresh(self, dataset: lance.LanceDataset) -> None:
        """Read the stored ids, unless the version is the one noted last. To be called before a commit."""
        if dataset.version != self._version:
            self._ids = set(dataset.to_table(columns=["page_id"]).column("page_id").to_pylist())
            self._version = dataset.version

    def may_hold(self, page_ids: Iterable[str]) -> bool:
        """Return whether one of the pages may be stored. Pages that a replacement dropped may still seem to be."""
        return not self._ids.isdisjoint(page_ids)

    def note(self, dataset: lance.LanceDataset, page_ids: Iterable[str]) -> None:
        """Add the pages written since ``refresh``, which made this version of the dataset."""
        self._ids.update(page_ids)
        self._version = dataset.version


def pages_in(page_ids: Iterable[str]) -> str:
    """Return the SQL condition for some pages."""
    return f"page_id IN ({', '.join(map(write_literal, page_ids))})"


def replace(
    dataset: lance.LanceDataset, pages: pa.Table, paths: Collection[str], keep: Collection[str]
) -> None:
    """Write pages over those of the same ids.

    Args:
        dataset: Its newest version.
        pages: The pages.
        paths: Documents whose other pages are dropped.
        keep: Ids of other pages that stay.
    """
    merge = dataset.merge_insert("page_id").when_matched_update_all().when_not_matched_insert_all()
    if paths:
        dropped = to_lance(match_paths(sorted(paths)))
        if keep:
            dropped = f"({dropped}) AND NOT ({pages_in(keep)})"
        merge = merge.when_not_matched_by_source_delete(dropped)
    merge.execute(pages)


def change_metadata(
    dataset: lance.LanceDataset,
    where: str,
    change: Callable[[Row, dict[str, Scalar]], Mapping[str, Scalar]],
    fields: Mapping[str, FieldType],
) -> None:
    """Replace the metadata of pages.

    Args:
        dataset: Its newest version, with a column for each field.
        where: SQL for the pages.
        change: Returns the new metadata, given the page's id and path, and the old metadata.
        fields: All fields of the library.
    """
    columns = [name_column(name) for name in fields]
    rows = []
    for row in dataset.to_table(columns=["page_id", "path", *columns], filter=where).to_pylist():
        new = change(row, metadata_of(row))
        values = {name: stored_value(value, fields[name]) for name, value in new.items()}
        rows.append({"page_id": row["page_id"], **metadata_row(values)})
    _write(dataset, rows, ["metadata_checksum", *columns])


def touch(dataset: lance.LanceDataset, pages: Iterable[Row], documents: Sequence[Document]) -> None:
    """Store a new size and time of documents whose content has not changed.

    Args:
        dataset: Its newest version.
        pages: All pages of these documents, with their whole content: it goes into the new checksums.
        documents: With their new size and time.
    """
    given = {(document.path, document.content_hash): document for document in documents}
    rows = []
    for page in pages:
        document = given.get((page["path"], page["content_hash"]))
        if document is None or checksum(page) != page["checksum"]:  # damage must stay visible
            continue
        new = {"size_bytes": document.size_bytes, "modified_ns": document.modified_ns}
        rows.append({"page_id": page["page_id"], **new, "checksum": checksum(page | new)})
    _write(dataset, rows, ["size_bytes", "modified_ns", "checksum"])


def _write(dataset: lance.LanceDataset, rows: Sequence[Row], columns: Sequence[str]) -> None:
    if rows:
        kinds = pa.schema([dataset.schema.field(name) for name in ("page_id", *columns)])
        merge = dataset.merge_insert("page_id").when_matched_update_all()
        merge.write_mode("rewrite_columns").execute(to_table(rows, kinds))
