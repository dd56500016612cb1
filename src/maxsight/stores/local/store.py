"""A library in a folder: one Lance dataset, a row a page.

::

    papers.library/
      pages.lance/    the dataset: everything the library knows
      writer.lock     held while writing; writer.json says by whom
      damaged/        what could not be read and was set aside

A commit of Lance is the commit point: a batch of pages is there as a whole or not at all, for every reader.
Readers need no lock and see other processes' commits from their next call on. Opening never writes; the first
call that does drops what is damaged and brings an older format up to date.

Threads may share a store: their commits are made one after the other.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import lance
import numpy as np
import pyarrow as pa
from lance.query import MatchQuery
from numpy.typing import NDArray

from maxsight.errors import InputError, LibraryExistsError, LibraryReadOnlyError, StoreError
from maxsight.stores.addresses import DATASET
from maxsight.stores.audit import Audit
from maxsight.stores.base import Codec, DocumentEntry, IndexedPage
from maxsight.stores.conditions import Filter, metadata_column, path_in
from maxsight.stores.fields import FieldType, grow_fields
from maxsight.stores.local import edits, maintenance, schema
from maxsight.stores.local.arrow_rows import metadata_of, to_row, to_table
from maxsight.stores.local.code_table import CodeTable, read_table
from maxsight.stores.local.damage import Damage
from maxsight.stores.local.dataset import SET_ASIDE, Dataset, has_versions
from maxsight.stores.local.durability import Synced, make_folder, size_bytes, sync_folder
from maxsight.stores.local.lance_errors import is_gone, translated
from maxsight.stores.local.lock import HOLDER_FILE, LOCK_FILE, WriterLock
from maxsight.stores.local.verification import Verification, check_rows
from maxsight.stores.manifest import Manifest
from maxsight.stores.page_rows import LISTED, list_documents, to_page
from maxsight.stores.ragged import PageVectors
from maxsight.stores.rounding import as_stored, check_queries
from maxsight.types import Document, Floats, Scalar

LOCK_WAIT_S = 5.0
CHUNK_BYTES = 16 * 2**20
PLACE_BYTES = 32  # a vector's box, span and codes, at most
SMALL_ROWS_PER_BATCH = 8192


class LocalStore:
    """Keeps pages in a folder. Use ``create`` or ``open``.

    Attributes:
        path: The folder.
        dropped: What was damaged and had to be dropped since this store was opened; ``index`` brings it back.
    """

    def __init__(
        self, path: Path, codec: Callable[[int], Codec], *, read_only: bool, lock_wait_s: float
    ) -> None:
        """Use ``create`` or ``open``."""
        self.path = path
        self.dropped: list[Damage] = []
        self._dataset = Dataset(path)
        self._manifest = schema.manifest_of(self._dataset.latest().schema, str(path))
        self._codec = codec(self._manifest.space.dim)
        self._codec_with_mean: tuple[bytes, Codec] | None = None
        self._stored = edits.StoredIds()
        self._read_only = read_only
        self._lock = WriterLock(path, lock_wait_s)
        self._table: CodeTable | None = None
        self._table_lock = threading.Lock()
        self._chunk_pages: tuple[int, int] | None = None

    @classmethod
    def create(
        cls,
        path: Path,
        manifest: Manifest,
        *,
        codec: Codec,
        lock_wait_s: float = LOCK_WAIT_S,
    ) -> Self:
        """Make a new, empty library.

        Args:
            path: A folder that does not exist or is empty.
            manifest: What the library says of itself.
            codec: Makes its codes.
            lock_wait_s: How long to wait for another writer.

        Raises:
            StoreError: Something is there already, or the place can't be written to.
        """
        with translated(path, writing=True):
            make_folder(path)
            _check_vacant(path)  # before a lock is left among a stranger's files
        with WriterLock(path, lock_wait_s).hold(), translated(path, writing=True):
            _check_vacant(path)
            columns = schema.dataset_schema(manifest)
            empty = columns.empty_table()
            dataset = lance.write_dataset(empty, path / DATASET, schema=columns, enable_stable_row_ids=True)
            maintenance.ensure_text_index(dataset)
            Synced(path / DATASET).sync()
            sync_folder(path.absolute().parent)
        return cls(path, lambda _: codec, read_only=False, lock_wait_s=lock_wait_s)

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        codec: Callable[[int], Codec],
        read_only: bool = False,
        lock_wait_s: float = LOCK_WAIT_S,
    ) -> Self:
        """Open a library. Nothing is written, whatever its state.

        Args:
            path: Its folder.
            codec: Makes the codec for vectors of a dimension.
            read_only: Refuse to write later on too.
            lock_wait_s: How long to wait for another writer.

        Raises:
            LibraryNotFoundError: There is none.
            FormatError: It was written by a newer version.
            LibraryDamagedError: It can't be read.
        """
        return cls(path, codec, read_only=read_only, lock_wait_s=lock_wait_s)

    @staticmethod
    def exists(path: Path) -> bool:
        """Whether there is a library at ``path``, whatever its state."""
        with translated(path):
            return has_versions(path)

    @property
    def manifest(self) -> Manifest:
        """Format, embedding space and settings of the library."""
        return self._manifest

    @property
    def description(self) -> str:
        """What keeps the library."""
        return "a folder with a Lance dataset"

    @property
    def version(self) -> int:
        """Another number after every change, by whomever."""
        return int(self._dataset.latest().version)

    def page_count(self) -> int:
        """How many pages are stored."""
        with self._dataset.reading():
            return int(self._dataset.latest().count_rows())

    def last_audit(self) -> Audit | None:
        """What was last measured of the search, with codes as they are now."""
        with self._dataset.reading():
            return schema.audit_of(self._dataset.latest().schema)

    def fields(self) -> dict[str, FieldType]:
        """The user's metadata fields and their types."""
        with self._dataset.reading():
            return schema.fields_of(self._dataset.latest().schema)

    # Writing ----------------------------------------------------------------------------------------------

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the right to write over several calls. Each call commits by itself all the same.

        Raises:
            LibraryBusyError: Another process is writing.
            LibraryReadOnlyError: The library was opened read-only, or can't be written to.
        """
        if self._read_only:
            raise LibraryReadOnlyError(f"{self.path} was opened read-only", hint="Open it for writing.")
        with self._lock.hold(at_first=self._settle):
            yield

    def _settle(self) -> None:
        # Others may have done anything meanwhile, down to putting back an old library.
        self._stored = edits.StoredIds()
        with translated(self.path, writing=True):
            self.dropped += self._dataset.settle()
            dataset = self._dataset.to_commit_on()
            self._manifest = schema.manifest_of(dataset.schema, str(self.path))
            maintenance.ensure_text_index(dataset)
            self._dataset.sync()

    def _settle_mean(self, dataset: lance.LanceDataset, vectors: Sequence[Floats]) -> None:
        """What the first pages' vectors lie around is the library's mean for good, so that no code has to change."""
        if schema.mean_of(dataset.schema) is None and any(map(len, vectors)):
            dataset.update_schema_metadata(schema.mean_entry(vectors))

    def _codec_of(self, dataset: lance.LanceDataset) -> Codec:
        """Makes the codes of a version: around the library's mean, once it has one."""
        mean = schema.mean_of(dataset.schema)
        if mean is None:
            return self._codec
        if self._codec_with_mean is None or self._codec_with_mean[0] != mean.tobytes():
            self._codec_with_mean = mean.tobytes(), self._codec.with_mean(mean)
        return self._codec_with_mean[1]

    @contextmanager
    def _committing(self) -> Iterator[lance.LanceDataset]:
        """The newest version, to commit on; what was committed is on the disk afterwards."""
        with self.writing(), self._lock.one_at_a_time(), translated(self.path, writing=True):
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
            maintenance.merge_small_fragments(dataset)  # each costs its readers an open file
            fields = self._grow(dataset, [page.metadata for page in pages])
            dim = self._manifest.space.dim
            stored = [as_stored(page, dim, fields) for page in pages]
            self._settle_mean(dataset, [page.embedding.vectors for page in stored])
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

    def set_metadata(self, metadata: Mapping[str, Mapping[str, Scalar]]) -> None:
        """Replace the user's fields of stored documents, by path, without touching their vectors."""
        if not metadata:
            return
        with self._committing() as dataset:
            fields = self._grow(dataset, metadata.values())
            edits.set_metadata(dataset, metadata, fields)

    def keep_manifest(self, manifest: Manifest) -> None:
        """Keep what the library says of itself anew."""
        with self._committing() as dataset:
            dataset.update_schema_metadata(schema.manifest_entry(manifest))
            self._manifest = manifest

    def set_page_fields(self, fields: Mapping[str, Mapping[str, Scalar]]) -> None:
        """Replace the fields of stored pages that are their own, by page id, without touching their vectors."""
        if not fields:
            return
        with self._committing() as dataset:
            kinds = self._grow(dataset, fields.values())
            edits.set_page_fields(dataset, fields, kinds)

    def keep_audit(self, audit: Audit) -> None:
        """Keep what was measured, in place of what was measured before."""
        with self._committing() as dataset:
            dataset.update_schema_metadata(schema.audit_entry(audit))

    def touch(self, documents: Sequence[Document]) -> None:
        """Note a new size and time of documents whose content has not changed."""
        if not documents:
            return
        with self._committing() as dataset:
            where = path_in(sorted({document.path for document in documents})).to_lance()
            pages = self._scan(dataset.schema.names, where, batch_rows=self._pages_per_chunk())
            edits.touch(dataset, pages, documents)

    def remove(self, paths: Collection[str]) -> int:
        """Remove documents by path in one commit and return how many pages went."""
        if not paths:
            return 0
        with self._committing() as dataset:
            gone = dataset.delete(path_in(sorted(paths)).to_lance())
            return int(gone["num_deleted_rows"])

    def _grow(
        self, dataset: lance.LanceDataset, metadata: Collection[Mapping[str, Scalar]]
    ) -> dict[str, FieldType]:
        """Add columns for fields that are new. An empty column costs nothing and changes no row."""
        known = schema.fields_of(dataset.schema)
        fields = grow_fields(known, metadata)
        fresh = {name: kind for name, kind in fields.items() if name not in known}
        if fresh:
            dataset.add_columns(schema.metadata_columns(fresh))
        return fields

    # Reading ----------------------------------------------------------------------------------------------

    def documents(self) -> list[DocumentEntry]:
        """List all documents, by path."""
        columns = [*LISTED, *map(metadata_column, self.fields())]
        rows = (row for batch in self._scan(columns, None) for row in batch.to_pylist())
        return list_documents(rows, metadata_of)

    def vectors(
        self, *, where: Filter | None = None, page_ids: Sequence[str] | None = None
    ) -> Iterator[PageVectors]:
        """Read vectors, some pages at a time: of the pages a filter keeps, or of the named ones."""
        given: set[str] = set()
        while True:
            table = self._newest_table()
            positions = self._kept(table, where) if page_ids is None else table.positions_of(page_ids)
            if given:
                positions = positions[[name not in given for name in table.names(positions)]]
            try:
                for chunk in _chunks(positions, table.codes.counts[positions] * self._vector_bytes):
                    with self._dataset.reading():
                        pages = table.vectors(chunk)
                    given.update(pages.page_ids)
                    yield pages
                return
            except StoreError as error:
                if not self._went_on_without(table, error):
                    raise

    def nearest(
        self,
        queries: Sequence[Floats],
        limit: int,
        *,
        where: Filter | None = None,
        candidates: int | None = None,
    ) -> list[PageVectors]:
        """Find, for each query, the pages whose codes promise the best MaxSim, with their vectors."""
        check_queries(queries, self._manifest.space.dim)
        table = self._newest_table()
        if where is None:
            found = table.codec.best_pages(queries, table.codes, limit, candidates)
        else:
            kept = self._kept(table, where)
            best = table.codec.best_pages(queries, table.codes_of(kept), limit, candidates)
            found = [kept[pages] for pages in best]
        with self._dataset.reading():
            return [table.vectors(pages) for pages in found]

    def search_text(self, query: str, limit: int, *, where: Filter | None = None) -> list[str]:
        """Name the pages whose text matches ``query`` best by BM25, best first.

        Text that was written since the last ``optimize`` is found too.
        """
        with self._dataset.reading():
            found = self._dataset.latest().to_table(
                columns=["page_id", "_score"],
                full_text_query=MatchQuery(query, "text"),
                filter=where.to_lance() if where else None,
                prefilter=True,
                limit=limit,
            )
        rows = sorted(found.to_pylist(), key=lambda row: (-row["_score"], row["page_id"]))
        return [row["page_id"] for row in rows]

    def read(self, page_ids: Sequence[str]) -> list[IndexedPage]:
        """Read whole pages, in the order asked for; unknown ids are left out."""
        table = self._newest_table()
        with self._dataset.reading():
            rows = list(table.rows(table.positions_of(page_ids)))
        return [to_page(row, metadata_of(row)) for row in rows]

    def _newest_table(self) -> CodeTable:
        """The table of the newest version."""
        while True:
            dataset = self._dataset.latest()
            table = self._table
            if table is not None and table.dataset.version == dataset.version:
                return table
            try:
                with self._table_lock, self._dataset.reading():
                    # Others may have been here while this waited, or have put back an older copy.
                    dataset = self._dataset.latest()
                    if self._table is None or self._table.dataset.version != dataset.version:
                        folder, dim = self._dataset.folder, self._manifest.space.dim
                        self._table = read_table(dataset, folder, self._codec_of(dataset), dim, self._table)
                    return self._table
            except StoreError as error:
                if not is_gone(error.__cause__) or self._dataset.latest().version == dataset.version:
                    raise

    def _went_on_without(self, table: CodeTable, error: StoreError) -> bool:
        """Whether something could not be read because another process has cleaned this version away."""
        return is_gone(error.__cause__) and self._dataset.latest().version != table.dataset.version

    def _kept(self, table: CodeTable, where: Filter | None) -> NDArray[np.int64]:
        """Positions of the pages a filter keeps."""
        if where is None:
            return np.arange(len(table.row_ids))
        with self._dataset.reading():
            found = table.dataset.scanner(columns=[], filter=where.to_lance(), with_row_id=True).to_table()
        return table.positions_of_rows(np.asarray(found.column("_rowid")))

    @property
    def _vector_bytes(self) -> int:
        return self._manifest.space.dim * 2 + PLACE_BYTES

    def _pages_per_chunk(self) -> int:
        """How many of the largest pages fit in a chunk together."""
        version = self._dataset.latest().version
        if self._chunk_pages is None or self._chunk_pages[0] != version:
            counts = [
                np.asarray(batch.column("vector_count"))
                for batch in self._scan(["page_id", "vector_count"], None)
            ]
            largest_first = np.sort(np.concatenate([np.empty(0, np.int32), *counts]))[::-1]
            total_bytes = np.cumsum(largest_first, dtype=np.int64) * self._vector_bytes
            fitting = int(np.searchsorted(total_bytes, CHUNK_BYTES, side="right"))
            self._chunk_pages = version, min(max(1, fitting), SMALL_ROWS_PER_BATCH)
        return self._chunk_pages[1]

    def _scan(
        self,
        columns: list[str],
        condition: str | None,
        *,
        batch_rows: int = SMALL_ROWS_PER_BATCH,
        with_row_id: bool = False,
    ) -> Iterator[pa.RecordBatch]:
        with self._dataset.reading():
            yield from self._dataset.scan(columns, condition, batch_rows=batch_rows, with_row_id=with_row_id)

    # Looking after ----------------------------------------------------------------------------------------

    def optimize(self) -> None:
        """After writing: bring the text index up to date, and merge fragments where there are too many."""
        with self._committing() as dataset:
            maintenance.merge_small_fragments(dataset)
            maintenance.update_text_index(dataset)
            maintenance.drop_old_versions(dataset)

    def compact(self) -> None:
        """Merge fragments, drop deleted rows, and remove versions older than an hour."""
        with self._committing() as dataset:
            maintenance.merge_all_fragments(dataset)
            maintenance.update_text_index(dataset)
            maintenance.drop_old_versions(dataset)

    def damage(self) -> list[Damage]:
        """Files that are missing or cut short, as a quick look tells."""
        with self._dataset.reading():
            return self._dataset.damage()

    def verify(
        self, *, repair: bool = False, on_progress: Callable[[int, int], None] | None = None
    ) -> Verification:
        """Read every row and compare it with what was written.

        Args:
            repair: Drop the pages that are not, so that the next ``index`` completes them.
            on_progress: Called with the pages read so far and their total.
        """
        if not repair:
            return self._verify(self.damage(), on_progress)
        already = len(self.dropped)
        with self._committing() as dataset:
            found = self._verify([], on_progress)
            if found.faults:
                row_ids = ", ".join(str(fault.row_id) for fault in found.faults)
                dataset.delete(f"_rowid IN ({row_ids})")
            return Verification(found.pages, found.faults, tuple(self.dropped[already:]), repaired=True)

    def _verify(self, damage: list[Damage], on_progress: Callable[[int, int], None] | None) -> Verification:
        unreadable = {item.fragment_id for item in damage if item.fragment_id is not None}
        with self._dataset.reading():
            dataset = self._dataset.latest()
            pages, faults = check_rows(dataset, unreadable, on_progress)
        return Verification(pages, tuple(faults), tuple(damage), repaired=False)

    def backup(self, destination: Path) -> None:
        """Copy the newest version to another folder, where it is a library of its own.

        Raises:
            InputError: The destination is not empty.
            StoreError: It can't be written to.
        """
        with translated(destination, writing=True):
            make_folder(destination)
            if any(destination.iterdir()):
                raise InputError(f"{destination} is not empty", hint="A backup needs a folder of its own.")
            dataset = self._dataset.latest()
            dataset.deep_clone(destination / DATASET, dataset.version)
            Synced(destination / DATASET).sync()
            sync_folder(destination.absolute().parent)

    def discard(self) -> None:
        """Remove an empty library: the folder goes too, unless there is something else in it."""
        with self.writing(), self._lock.one_at_a_time(), translated(self.path, writing=True):
            if self.page_count():
                raise StoreError(f"{self.path} holds pages, and only an empty library can be discarded")
            shutil.rmtree(self.path / DATASET)
            with suppress(OSError):  # Windows keeps a lock that is held, and other files keep the folder
                (self.path / HOLDER_FILE).unlink()
                (self.path / LOCK_FILE).unlink()
                self.path.rmdir()

    def size_bytes(self) -> int:
        """Bytes on the disk, old versions included."""
        return size_bytes(self.path / DATASET)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Release what is held."""
        self._table = None
        self._dataset.close()


def _check_vacant(path: Path) -> None:
    ours = {DATASET, SET_ASIDE, LOCK_FILE, HOLDER_FILE}
    if has_versions(path):
        raise LibraryExistsError(
            f"there is a library at {path} already", hint="Open it, or choose another folder."
        )
    strangers = sorted(entry.name for entry in path.iterdir() if entry.name not in ours)
    if strangers:
        raise StoreError(
            f"{path} is not empty: {', '.join(strangers[:3])}",
            hint="A new library needs a folder of its own.",
        )


def _chunks(positions: NDArray[np.int64], sizes: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Positions in runs of at most ``CHUNK_BYTES``, or of one page."""
    ends = np.cumsum(sizes)
    first = 0
    while first < len(positions):
        before = ends[first] - sizes[first]
        last = max(first + 1, int(np.searchsorted(ends, before + CHUNK_BYTES, side="right")))
        yield positions[first:last]
        first = last
