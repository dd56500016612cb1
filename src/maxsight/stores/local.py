"""A library in a folder: one Lance dataset, a row a page.

::

    papers.library/
      pages.lance/    the dataset; everything the library knows
      writer.lock     held while writing; writer.json says by whom
      cache/          pictures that can be deleted at any time

A commit of Lance is the commit point: a batch of pages is there as a whole or not at all, for every reader.
Readers need no lock and see other processes' commits from their next call on.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import lance
import pyarrow as pa
from lance.query import MatchQuery

from maxsight.errors import LibraryReadOnlyError, StoreError
from maxsight.stores import code_table, schema
from maxsight.stores.base import Codec, DocumentEntry, IndexedPage, VectorChunk
from maxsight.stores.code_table import CodeTable
from maxsight.stores.conditions import Filter, lance_literal, metadata_column, path_in
from maxsight.stores.durability import Synced, sync_folder
from maxsight.stores.edge import not_found, translated
from maxsight.stores.fields import FieldType, grow_fields, stored_value
from maxsight.stores.lock import WriterLock
from maxsight.stores.manifest import Manifest
from maxsight.stores.rounding import as_stored
from maxsight.types import Floats, Scalar

DATASET = "pages.lance"
LOCK_WAIT_S = 5.0
CHUNK_BYTES = 16 * 2**20
TYPICAL_VECTORS = 700
IDS_PER_QUERY = 1000


class LocalStore:
    """Keeps pages in a folder. Use ``create`` or ``open``."""

    def __init__(
        self, path: Path, dataset: lance.LanceDataset, codec: Codec, *, read_only: bool, lock_wait_s: float
    ) -> None:
        """Take over an open dataset."""
        self.path = path
        self._dataset = dataset
        self._codec = codec
        self._read_only = read_only
        self._lock = WriterLock(path, lock_wait_s)
        self._synced = Synced(path / DATASET)
        self._manifest = schema.manifest_of(dataset.schema, str(path))
        self._codes: tuple[int, CodeTable] | None = None

    @classmethod
    def create(
        cls, path: Path, manifest: Manifest, *, codec: Codec, lock_wait_s: float = LOCK_WAIT_S
    ) -> Self:
        """Make a new, empty library.

        Args:
            path: A folder that does not exist or is empty.
            manifest: What the library says of itself.
            codec: Makes its sign codes.
            lock_wait_s: How long to wait for another writer.

        Raises:
            StoreError: Something is there already, or the place can't be written to.
        """
        with translated(path):
            path.mkdir(parents=True, exist_ok=True)
        with WriterLock(path, lock_wait_s).hold(), translated(path):
            _check_vacant(path)
            columns = schema.dataset_schema(manifest)
            dataset = lance.write_dataset(
                columns.empty_table(), path / DATASET, schema=columns, enable_stable_row_ids=True
            )
            Synced(path / DATASET).sync()
            sync_folder(path.parent)
        return cls(path, dataset, codec, read_only=False, lock_wait_s=lock_wait_s)

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        codec: Callable[[int], Codec],
        read_only: bool = False,
        lock_wait_s: float = LOCK_WAIT_S,
    ) -> Self:
        """Open a library.

        Args:
            path: Its folder.
            codec: Makes the codec for vectors of a dimension.
            read_only: Write nothing.
            lock_wait_s: How long to wait for another writer.

        Raises:
            LibraryNotFoundError: There is none.
            FormatError: It was written by a newer version.
            LibraryDamagedError: It can't be read.
        """
        if not cls.exists(path):
            raise not_found(path)
        with translated(path):
            dataset = lance.dataset(path / DATASET)
        dim = schema.manifest_of(dataset.schema, str(path)).space.dim
        return cls(path, dataset, codec(dim), read_only=read_only, lock_wait_s=lock_wait_s)

    @staticmethod
    def exists(path: Path) -> bool:
        """Whether there is a library at ``path``, whatever its state."""
        return any((path / DATASET / "_versions").glob("*.manifest"))

    @property
    def manifest(self) -> Manifest:
        """Format, embedding space and settings of the library."""
        return self._manifest

    def fields(self) -> dict[str, FieldType]:
        """The user's metadata fields and their types."""
        return schema.fields_of(self._latest().schema)

    # Writing ----------------------------------------------------------------------------------------------

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the right to write over several calls. Each call commits by itself all the same.

        Raises:
            LibraryBusyError: Another process is writing.
            LibraryReadOnlyError: The library was opened read-only, or can't be written to.
        """
        if self._read_only:
            raise LibraryReadOnlyError(f"{self.path} was opened read-only")
        with self._lock.hold():
            yield

    @contextmanager
    def _committing(self) -> Iterator[lance.LanceDataset]:
        """The newest version, to commit on; what was committed is on the disk afterwards."""
        with self.writing(), translated(self.path):
            yield self._latest()
            self._synced.sync()

    def put(self, pages: Sequence[IndexedPage], *, replace_documents: bool = False) -> None:
        """Write pages in one commit; a page id that is stored already is replaced."""
        if not pages:
            return
        with self._committing() as dataset:
            fields = self._grow(dataset, [page.metadata for page in pages])
            dim = self._manifest.space.dim
            stored = {page.page_id: as_stored(page, dim, fields) for page in pages}
            table = schema.to_table([schema.to_row(page) for page in stored.values()], dataset.schema)
            merge = dataset.merge_insert("page_id").when_matched_update_all().when_not_matched_insert_all()
            if replace_documents:
                paths = sorted({page.document.path for page in pages})
                merge = merge.when_not_matched_by_source_delete(path_in(paths).to_lance())
            merge.execute(table)

    def set_metadata(self, metadata: Mapping[str, Mapping[str, Scalar]]) -> None:
        """Replace the user's fields of stored documents, by path, without touching their vectors."""
        if not metadata:
            return
        with self._committing() as dataset:
            fields = self._grow(dataset, metadata.values())
            columns = schema.metadata_columns(fields)
            where = path_in(sorted(metadata)).to_lance()
            known = dataset.to_table(columns=["page_id", "path"], filter=where).to_pylist()
            rows = []
            for row in known:
                given = metadata[row["path"]].items()
                values = {name: stored_value(value, fields[name]) for name, value in given}
                rows.append({"page_id": row["page_id"], **schema.metadata_row(values)})
            if rows:
                names = ["page_id", "metadata_checksum", *(column.name for column in columns)]
                table = schema.to_table(rows, pa.schema([dataset.schema.field(name) for name in names]))
                merge = dataset.merge_insert("page_id").when_matched_update_all()
                merge.write_mode("rewrite_columns").execute(table)

    def remove(self, paths: Collection[str]) -> int:
        """Remove documents by path in one commit and return how many pages went."""
        if not paths:
            return 0
        with self._committing() as dataset:
            before = dataset.count_rows()
            dataset.delete(path_in(sorted(paths)).to_lance())
            return int(before - dataset.count_rows())

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
        with translated(self.path):
            dataset = self._latest()
            names = ["path", "content_hash", "size_bytes", "modified_ns", "page_count"]
            names += ["page_number", "vector_count", *map(metadata_column, self.fields())]
            rows = dataset.to_table(columns=names).to_pylist()
        pages_of: dict[str, list[schema.Row]] = {}
        for row in rows:
            pages_of.setdefault(row["path"], []).append(row)
        return [_entry(pages_of[path]) for path in sorted(pages_of)]

    def vectors(
        self, *, where: Filter | None = None, page_ids: Sequence[str] | None = None
    ) -> Iterator[VectorChunk]:
        """Read vectors in chunks: of the pages a filter keeps, or of the named ones."""
        for condition in _conditions(where, page_ids):
            for batch in self._scan(["page_id", "vectors"], condition):
                yield schema.vector_chunk(batch)

    def candidates(self, query: Floats, limit: int, *, where: Filter | None = None) -> list[str]:
        """Name the pages whose sign codes promise the best MaxSim."""
        table = self._code_table()
        if where is not None:
            batches = self._scan(["page_id"], where.to_lance())
            table = table.kept(name for batch in batches for name in batch.column(0).to_pylist())
        return table.best_pages(self._codec, query, limit)

    def search_text(self, query: str, limit: int, *, where: Filter | None = None) -> list[str]:
        """Name the pages whose text matches ``query`` best by BM25, best first.

        Text that was written since the last ``optimize`` is found too.
        """
        with translated(self.path):
            found = self._latest().scanner(
                columns=["page_id", "_score"],
                full_text_query=MatchQuery(query, "text"),
                filter=where.to_lance() if where else None,
                prefilter=True,
                limit=limit,
            )
            names: list[str] = found.to_table().column("page_id").to_pylist()
            return names

    def read(self, page_ids: Sequence[str]) -> list[IndexedPage]:
        """Read whole pages, in the order asked for; unknown ids are left out."""
        found: dict[str, IndexedPage] = {}
        for condition in _conditions(None, page_ids):
            for batch in self._scan(None, condition):
                found |= {row["page_id"]: schema.to_page(row) for row in schema.from_batch(batch)}
        return [found[page_id] for page_id in page_ids if page_id in found]

    def _code_table(self) -> CodeTable:
        version = self._latest().version
        if self._codes is None or self._codes[0] != version:
            self._codes = version, code_table.from_vectors(self.vectors(), self._codec)
        return self._codes[1]

    def _scan(self, columns: list[str] | None, condition: str | None) -> Iterator[pa.RecordBatch]:
        bytes_per_page = TYPICAL_VECTORS * self._manifest.space.dim * 2
        with translated(self.path):
            yield from self._latest().to_batches(
                columns=columns,
                filter=condition,
                batch_size=max(1, CHUNK_BYTES // bytes_per_page),
                batch_readahead=2,
                fragment_readahead=2,
            )

    def _latest(self) -> lance.LanceDataset:
        if self._dataset.version != self._dataset.latest_version:
            self._dataset.checkout_latest()  # type: ignore[no-untyped-call]
        return self._dataset

    # Looking after ----------------------------------------------------------------------------------------

    def optimize(self) -> None:
        """Bring the full-text index up to date, and merge small fragments where that pays."""
        with self._committing() as dataset:
            if not dataset.list_indices():
                dataset.create_scalar_index("text", "INVERTED", name="text", with_position=False)
            else:
                dataset.optimize.optimize_indices()

    def close(self) -> None:
        """Release what is held."""
        self._codes = None


def _check_vacant(path: Path) -> None:
    ours = {"writer.lock", "writer.json", DATASET}
    if LocalStore.exists(path):
        raise StoreError(f"there is a library at {path} already", hint="Open it, or choose another folder.")
    strangers = sorted(entry.name for entry in path.iterdir() if entry.name not in ours)
    if strangers:
        raise StoreError(
            f"{path} is not empty: {', '.join(strangers[:3])}",
            hint="A new library needs a folder of its own.",
        )


def _conditions(where: Filter | None, page_ids: Sequence[str] | None) -> Iterator[str | None]:
    if page_ids is None:
        yield where.to_lance() if where else None
        return
    for start in range(0, len(page_ids), IDS_PER_QUERY):
        names = ", ".join(map(lance_literal, page_ids[start : start + IDS_PER_QUERY]))
        yield f"page_id IN ({names})"


def _entry(rows: list[schema.Row]) -> DocumentEntry:
    return DocumentEntry(
        document=schema.document_of(rows[0]),
        page_indices=tuple(sorted(row["page_number"] - 1 for row in rows)),
        vectors=sum(row["vector_count"] for row in rows),
        metadata=schema.metadata_of(rows[0]),
    )
