"""Writing a Lance dataset, a row a page, wherever it lies: in a folder or in a bucket.

A commit of Lance is the commit point: every reader sees a batch of pages as a whole or not at all. Opening writes
nothing.

Threads may share a store: their commits are made one after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import lance

from maxsight.errors import InputError, LibraryReadOnlyError
from maxsight.stores.addresses import DATASET
from maxsight.stores.audit import Audit
from maxsight.stores.base import Codec, IndexedPage, Written
from maxsight.stores.conditions import match_paths
from maxsight.stores.fields import FieldType, grow_fields, of_document, of_page
from maxsight.stores.lance_sql import to_lance
from maxsight.stores.local import edits, maintenance, schema
from maxsight.stores.local.arrow_rows import from_batch, to_row, to_table
from maxsight.stores.local.commit_log import CommitLog
from maxsight.stores.local.dataset import check_name
from maxsight.stores.local.durability import make_folder, sync_folder
from maxsight.stores.local.edits import pages_in
from maxsight.stores.local.fragments import FragmentWriter, add, new_fragments
from maxsight.stores.local.lance_errors import translated
from maxsight.stores.local.reading import LanceReader
from maxsight.stores.local.syncing import Synced
from maxsight.stores.local.verification import check_rows
from maxsight.stores.local.versioned import Lock, VersionedDataset
from maxsight.stores.manifest import Manifest
from maxsight.stores.page_rows import CONTENT, Row
from maxsight.stores.rounding import as_stored
from maxsight.stores.verification import Damage, Verification
from maxsight.types import Document, Floats, Scalar

LOCK_WAIT_S = 5.0
PAGES_PER_SCAN = 64


class LanceStore(LanceReader):
    """A library in a Lance dataset, for reading and writing.

    Attributes:
        dropped: What was damaged and had to be dropped since this store was opened; ``index`` reads it again.
    """

    def __init__(
        self, dataset: VersionedDataset, lock: Lock, codec: Callable[[int], Codec], *, read_only: bool
    ) -> None:
        """Use a dataset that is open. Nothing is written.

        Args:
            dataset: Its versions.
            lock: The right to write to it.
            codec: Makes the codec for vectors of a dimension.
            read_only: Refuse to write.
        """
        super().__init__(dataset, codec)
        self.dropped: list[Damage] = []
        self._stored = edits.StoredIds()
        self._read_only = read_only
        self._lock = lock

    # Writing ----------------------------------------------------------------------------------------------

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the right to write over several calls. Each call commits by itself all the same.

        Raises:
            LibraryBusyError: Another process is writing.
            LibraryReadOnlyError: The library was opened read-only, or can't be written to.
        """
        if self._read_only:
            raise LibraryReadOnlyError(f"{self.place} was opened read-only", hint="Open it for writing.")
        with self._lock.hold(at_first=self._settle):
            yield

    def _settle(self) -> None:
        """Look at everything again: another process may have written, or put back an old library."""
        self._stored = edits.StoredIds()
        with self._dataset.translated(writing=True):
            self.dropped += self._dataset.settle()
            dataset = self._dataset.to_commit_on()
            self._manifest = schema.manifest_of(dataset.schema, self.place)
            maintenance.ensure_text_index(dataset)
            self._dataset.sync()

    @contextmanager
    def _committing(self) -> Iterator[lance.LanceDataset]:
        """Give the newest version to commit on, and put what was committed on the disk."""
        with self.writing(), self._lock.threads, self._dataset.translated(writing=True):
            yield self._dataset.to_commit_on()
            self._dataset.sync()

    def put(
        self,
        pages: Sequence[IndexedPage],
        *,
        replace_documents: bool = False,
        keep: Collection[str] = (),
    ) -> None:
        """Write pages in one commit; a page id that is stored already is replaced."""
        if not pages:
            return
        with self._committing() as dataset:
            fields = grow_fields(schema.fields_of(dataset.schema), [page.metadata for page in pages])
            stored = [as_stored(page, self._manifest.space.dim, fields) for page in pages]
            maintenance.merge_small_fragments(dataset)  # each costs its readers an open file
            _add_columns(dataset, fields)
            _ensure_mean(dataset, [page.embedding.vectors for page in stored])
            codec = self._codec_of(dataset)
            rows = {page.page_id: to_row(page, codec) for page in stored}
            table = to_table(list(rows.values()), dataset.schema)
            self._stored.refresh(dataset)
            paths = {page.document.path for page in pages} if replace_documents else set()
            if paths or self._stored.may_hold(rows):
                edits.replace(dataset, table, paths, keep)
            else:
                lance.write_dataset(table, dataset, mode="append")
            self._stored.note(self._dataset.latest(), rows)

    def worker_writer(self, metadata: Sequence[Mapping[str, Scalar]]) -> FragmentWriter | None:
        """Return what workers write fragments with; None before the first pages."""
        with self._committing() as dataset:
            fields = grow_fields(schema.fields_of(dataset.schema), metadata)
            _add_columns(dataset, fields)
            if schema.mean_of(dataset.schema) is None:
                return None
        dataset = self._dataset.to_commit_on()
        return FragmentWriter(
            dataset.uri,
            self._dataset.storage_options,
            dataset.schema,
            fields,
            self._codec_of(dataset),
            self._manifest.space.dim,
        )

    def commit(self, written: Sequence[Written]) -> None:
        """Commit fragments of workers in one transaction. Pages of the same ids go with it."""
        with self._committing() as dataset:
            fragments = new_fragments(dataset, written)
            if not fragments:
                return
            ids = [page_id for each in written for page_id in each.page_ids]
            self._stored.refresh(dataset)
            going = (
                [pages_in(same)] if (same := [each for each in ids if self._stored.may_hold([each])]) else []
            )
            if paths := {path for each in written for path in each.replaces}:
                kept = [*ids, *(page_id for each in written for page_id in each.keep)]
                going.append(f"({to_lance(match_paths(sorted(paths)))}) AND NOT ({pages_in(kept)})")
            add(dataset, fragments, " OR ".join(f"({each})" for each in going) or None)
            self._stored.note(self._dataset.to_commit_on(), ids)

    def set_metadata(self, metadata: Mapping[str, Mapping[str, Scalar]]) -> None:
        """Replace the user's fields of stored documents, by path, without writing their vectors again."""
        where = to_lance(match_paths(sorted(metadata)))
        self._change_metadata(where, metadata, lambda row, old: {**metadata[row["path"]], **of_page(old)})

    def set_page_fields(self, fields: Mapping[str, Mapping[str, Scalar]]) -> None:
        """Replace the fields that belong to pages alone, by page id, without writing their vectors again."""
        where = edits.pages_in(fields)
        self._change_metadata(where, fields, lambda row, old: {**of_document(old), **fields[row["page_id"]]})

    def _change_metadata(
        self,
        where: str,
        given: Mapping[str, Mapping[str, Scalar]],
        change: Callable[[Row, dict[str, Scalar]], Mapping[str, Scalar]],
    ) -> None:
        if not given:
            return
        with self._committing() as dataset:
            fields = grow_fields(schema.fields_of(dataset.schema), given.values())
            _add_columns(dataset, fields)
            edits.change_metadata(dataset, where, change, fields)

    def store_manifest(self, manifest: Manifest) -> None:
        """Store another manifest."""
        with self._committing() as dataset:
            dataset.update_schema_metadata({schema.MANIFEST_KEY: manifest.to_json()})
            self._manifest = manifest

    def store_audit(self, audit: Audit) -> None:
        """Store an audit in place of the one before."""
        with self._committing() as dataset:
            dataset.update_schema_metadata({schema.AUDIT_KEY: audit.to_json()})

    def touch(self, documents: Sequence[Document]) -> None:
        """Store a new size and time of documents whose content has not changed."""
        if not documents:
            return
        with self._committing() as dataset:
            where = to_lance(match_paths(sorted({document.path for document in documents})))
            columns = ["checksum", *CONTENT]
            batches = dataset.to_batches(columns, where, batch_size=PAGES_PER_SCAN, batch_readahead=1)
            edits.touch(dataset, (row for batch in batches for row in from_batch(batch)), documents)

    def remove(self, paths: Collection[str]) -> int:
        """Remove documents by path in one commit and return how many pages went."""
        if not paths:
            return 0
        with self._committing() as dataset:
            where = to_lance(match_paths(sorted(paths)))
            gone = dataset.to_table(columns=["page_id"], filter=where).column("page_id").to_pylist()
            dataset.delete(where)
            self._dataset.sync(gone)
            return len(gone)

    # Maintenance ------------------------------------------------------------------------------------------

    def optimize(self) -> None:
        """Bring the text index up to date, and merge fragments where there are too many. To be called after writing."""
        with self._committing() as dataset:
            maintenance.merge_small_fragments(dataset)
            maintenance.update_text_index(dataset)
            maintenance.drop_old_versions(dataset)
            self._dataset.forget_old()

    def compact(self) -> None:
        """Merge fragments, drop deleted rows, and remove versions older than an hour."""
        with self._committing() as dataset:
            maintenance.merge_all_fragments(dataset)
            maintenance.update_text_index(dataset)
            maintenance.drop_old_versions(dataset)
            self._dataset.forget_old()

    def verify(
        self, *, repair: bool = False, on_progress: Callable[[int, int], None] | None = None
    ) -> Verification:
        """Read every row and compare it with what was written.

        Args:
            repair: Drop the pages that differ, so that the next ``index`` completes them.
            on_progress: Called with the pages read so far and their total.
        """
        if not repair:
            return self._check(self.damage(), on_progress)
        already = len(self.dropped)
        with self._committing() as dataset:
            found = self._check([], on_progress)
            if found.faults:
                row_ids = ", ".join(str(fault.row_id) for fault in found.faults)
                dataset.delete(f"_rowid IN ({row_ids})")
                maintenance.ensure_text_index(dataset)
            return replace(found, damage=tuple(self.dropped[already:]), repaired=True)

    def _check(self, damage: list[Damage], on_progress: Callable[[int, int], None] | None) -> Verification:
        with self._dataset.reading():
            return check_rows(self._dataset.latest(), damage, on_progress)

    def backup(self, destination: Path) -> None:
        """Copy the newest version to another folder, as a library of its own.

        Raises:
            InputError: The destination is not empty.
            StoreError: It can't be written to.
        """
        check_name(destination)
        with translated(destination, writing=True):
            make_folder(destination)
            if any(destination.iterdir()):
                raise InputError(f"{destination} is not empty", hint="A backup needs a folder of its own.")
            dataset = self._dataset.latest()
            dataset.deep_clone(destination / DATASET, dataset.version)
            Synced(destination / DATASET).sync(CommitLog(destination / DATASET))
            sync_folder(destination.absolute().parent)


def _add_columns(dataset: lance.LanceDataset, fields: Mapping[str, FieldType]) -> None:
    """Add columns for fields that are new. An empty column costs nothing and changes no row."""
    known = schema.fields_of(dataset.schema)
    fresh = {name: kind for name, kind in fields.items() if name not in known}
    if fresh:
        dataset.add_columns(schema.metadata_columns(fresh))


def _ensure_mean(dataset: lance.LanceDataset, vectors: Sequence[Floats]) -> None:
    """Store the mean of the first pages' vectors. It never changes, because all codes depend on it."""
    if schema.mean_of(dataset.schema) is None and any(map(len, vectors)):
        dataset.update_schema_metadata({schema.MEAN_KEY: schema.mean_text(vectors)})
