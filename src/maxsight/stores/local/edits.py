"""Changes to what is stored, by page id: whole pages, or new values of few columns with the vectors left in place."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

import lance
import pyarrow as pa

from maxsight.stores.conditions import lance_literal, metadata_column, path_in
from maxsight.stores.fields import FieldType, of_document, of_page, stored_value
from maxsight.stores.local.arrow_rows import metadata_of, metadata_row, to_table
from maxsight.stores.page_rows import Row, checksum
from maxsight.types import Document, Scalar


class StoredIds:
    """Which pages a dataset may hold, remembered for as long as nobody else may write: what is new can be appended.

    Looking for pages to replace takes Lance 20 ms, and 130 ms where there are 300 fragments; appending takes 5.
    """

    def __init__(self) -> None:
        self._version: int | None = None
        self._ids: set[str] = set()

    def refresh(self, dataset: lance.LanceDataset) -> None:
        """Look at what is stored, unless the version is the one that was noted last. To be called before a commit."""
        if dataset.version != self._version:
            self._ids = set(dataset.to_table(columns=["page_id"]).column("page_id").to_pylist())
            self._version = dataset.version

    def may_hold(self, page_ids: Iterable[str]) -> bool:
        """Whether one of the pages may be stored. One that went as its document was replaced may seem to be."""
        return not self._ids.isdisjoint(page_ids)

    def note(self, dataset: lance.LanceDataset, page_ids: Iterable[str]) -> None:
        """Nothing but these pages was written since ``refresh``, and ``dataset`` is what came of it."""
        self._ids.update(page_ids)
        self._version = dataset.version


def replace(
    dataset: lance.LanceDataset, pages: pa.Table, paths: Collection[str], keep: Collection[str]
) -> None:
    """Write pages over those of the same ids.

    Args:
        dataset: Its newest version.
        pages: The pages.
        paths: Documents whose other pages go.
        keep: Ids of other pages that stay.
    """
    merge = dataset.merge_insert("page_id").when_matched_update_all().when_not_matched_insert_all()
    if paths:
        dropped = path_in(sorted(paths)).to_lance()
        if keep:
            dropped = f"({dropped}) AND NOT ({_page_in(keep)})"
        merge = merge.when_not_matched_by_source_delete(dropped)
    merge.execute(pages)


def _page_in(page_ids: Iterable[str]) -> str:
    return f"page_id IN ({', '.join(map(lance_literal, page_ids))})"


def set_metadata(
    dataset: lance.LanceDataset,
    metadata: Mapping[str, Mapping[str, Scalar]],
    fields: Mapping[str, FieldType],
) -> None:
    """Replace the user's fields of documents, by path.

    Args:
        dataset: Its newest version, with a column for each field.
        metadata: The new fields.
        fields: All fields of the library.
    """
    where = path_in(sorted(metadata)).to_lance()
    _rewrite(dataset, where, lambda row: {**metadata[row["path"]], **of_page(metadata_of(row))}, fields)


def set_page_fields(
    dataset: lance.LanceDataset,
    page_fields: Mapping[str, Mapping[str, Scalar]],
    fields: Mapping[str, FieldType],
) -> None:
    """Replace the fields of pages that are their own.

    Args:
        dataset: Its newest version, with a column for each field.
        page_fields: The new ones, by page id.
        fields: All fields of the library.
    """
    where = _page_in(page_fields)
    _rewrite(
        dataset,
        where,
        lambda row: {**of_document(metadata_of(row)), **page_fields[row["page_id"]]},
        fields,
    )


def _rewrite(
    dataset: lance.LanceDataset,
    where: str,
    metadata_of: Callable[[Row], Mapping[str, Scalar]],
    fields: Mapping[str, FieldType],
) -> None:
    columns = [metadata_column(name) for name in fields]
    rows = []
    for row in dataset.to_table(columns=["page_id", "path", *columns], filter=where).to_pylist():
        values = {name: stored_value(value, fields[name]) for name, value in metadata_of(row).items()}
        rows.append({"page_id": row["page_id"], **metadata_row(values)})
    _write(dataset, rows, ["metadata_checksum", *columns])


def touch(dataset: lance.LanceDataset, pages: Iterable[Row], documents: Sequence[Document]) -> None:
    """Note a new size and time of documents whose content has not changed.

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
