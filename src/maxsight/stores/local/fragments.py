"""Fragments that other processes write into a library's dataset, and that its one writer commits.

A fragment's files lie in the dataset and are no part of it until the commit names them. What no commit names is removed
by the next ``optimize``.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import lance
import pyarrow as pa
from lance.fragment import FragmentMetadata, write_fragments

from maxsight.stores.base import Codec, IndexedPage, Written
from maxsight.stores.fields import FieldType
from maxsight.stores.local.arrow_rows import to_row, to_table
from maxsight.stores.local.durability import sync_file
from maxsight.stores.rounding import as_stored


@dataclass(slots=True)
class FragmentWriter:
    """Writes pages as fragments, in any process that sees the dataset. It has what a run needs of a store.

    Attributes:
        uri: The dataset.
        storage_options: How Lance reaches it.
        columns: Its columns. There must be one for every field of the pages.
        fields: The metadata fields.
        codec: Makes the codes, for the library's mean.
        dim: Of the vectors.
        written: What was written.
    """

    uri: str
    storage_options: Mapping[str, str] = field(repr=False)
    columns: pa.Schema
    fields: Mapping[str, FieldType]
    codec: Codec
    dim: int
    written: list[Written] = field(default_factory=list)

    def put(
        self, pages: Sequence[IndexedPage], *, replace_documents: bool = False, keep: Collection[str] = ()
    ) -> None:
        """Write pages; see ``Writable.put``. Nothing is found before the commit."""
        stored = [as_stored(page, self.dim, dict(self.fields)) for page in pages]
        rows = {page.page_id: to_row(page, self.codec) for page in stored}
        fragments = write_fragments(
            to_table(list(rows.values()), self.columns),
            self.uri,
            mode="append",
            enable_stable_row_ids=True,
            storage_options=dict(self.storage_options) or None,
        )
        if "://" not in self.uri:
            for file in (file for fragment in fragments for file in fragment.files):
                sync_file(Path(self.uri) / "data" / file.path)
        self.written.append(
            Written(
                tuple(json.dumps(fragment.to_json()) for fragment in fragments),
                tuple(rows),
                tuple({page.document.path for page in pages}) if replace_documents else (),
                tuple(keep),
            )
        )


def new_fragments(dataset: lance.LanceDataset, written: Sequence[Written]) -> list[FragmentMetadata]:
    """Return the written fragments that the dataset does not have: after a commit without an answer, it may."""
    known = {file.path for fragment in dataset.get_fragments() for file in fragment.metadata.files}
    found = [FragmentMetadata.from_json(text) for each in written for text in each.fragments]
    return [fragment for fragment in found if known.isdisjoint(file.path for file in fragment.files)]


def add(dataset: lance.LanceDataset, fragments: Sequence[FragmentMetadata], instead_of: str | None) -> None:
    """Add fragments in one commit.

    Args:
        dataset: Its newest version.
        fragments: What to add.
        instead_of: SQL for stored pages that go in the same commit; None for none.
    """
    if instead_of is None:
        operation: Any = lance.LanceOperation.Append(list(fragments))
    else:
        changed, gone = [], []
        for fragment in dataset.get_fragments():
            if not fragment.count_rows(instead_of):
                continue
            left = fragment.delete(instead_of)
            if left is None:
                gone.append(fragment.fragment_id)
            else:
                changed.append(left)
        operation = lance.LanceOperation.Update(
            removed_fragment_ids=gone, updated_fragments=changed, new_fragments=list(fragments)
        )
    lance.LanceDataset.commit(dataset, operation, read_version=dataset.version)
