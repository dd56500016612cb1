"""A library in a folder: one Lance dataset, a row a page.

::

    papers.library/
      pages.lance/    the dataset: everything the library knows
      writer.lock     held while writing; writer.json says by whom
      damaged/        what could not be read and was set aside

The first call that writes drops damaged pages.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Self

import lance

from maxsight.errors import LibraryExistsError, StoreError
from maxsight.stores.addresses import DATASET
from maxsight.stores.base import Codec
from maxsight.stores.local import maintenance, schema
from maxsight.stores.local.commit_log import CommitLog
from maxsight.stores.local.dataset import Dataset, check_name, has_versions, others_in
from maxsight.stores.local.durability import make_folder, size_bytes, sync_folder
from maxsight.stores.local.lance_errors import translated
from maxsight.stores.local.lance_store import LOCK_WAIT_S, LanceStore
from maxsight.stores.local.lock import HOLDER_FILE, LOCK_FILE, WriterLock
from maxsight.stores.local.syncing import Synced
from maxsight.stores.manifest import Manifest


class LocalStore(LanceStore):
    """A library in a folder, for reading and writing.

    Attributes:
        path: The folder.
    """

    def __init__(
        self,
        path: Path,
        *,
        codec: Callable[[int], Codec],
        read_only: bool = False,
        lock_wait_s: float = LOCK_WAIT_S,
    ) -> None:
        """Open a library. Nothing is written.

        Args:
            path: Its folder.
            codec: Makes the codec for vectors of a dimension.
            read_only: Refuse to write.
            lock_wait_s: How long to wait for another writer.

        Raises:
            LibraryNotFoundError: The folder has no library.
            FormatError: It has another format.
            LibraryDamagedError: It can't be read.
        """
        super().__init__(Dataset(path), WriterLock(path, lock_wait_s), codec, read_only=read_only)
        self.path = path

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
            manifest: Its format, embedding space and settings.
            codec: Makes its codes.
            lock_wait_s: How long to wait for another writer.

        Raises:
            StoreError: Something is there already, or the place can't be written to.
        """
        check_name(path)
        with translated(path, writing=True):
            make_folder(path)
            _check_vacant(path)  # before a lock is left among a stranger's files
        with WriterLock(path, lock_wait_s).hold(), translated(path, writing=True):
            _check_vacant(path)
            columns = schema.dataset_schema(manifest)
            empty = columns.empty_table()
            dataset = lance.write_dataset(empty, path / DATASET, schema=columns, enable_stable_row_ids=True)
            maintenance.ensure_text_index(dataset)
            Synced(path / DATASET).sync(CommitLog(path / DATASET))
            sync_folder(path.absolute().parent)
        return cls(path, codec=lambda _: codec, lock_wait_s=lock_wait_s)

    @staticmethod
    def exists(path: Path) -> bool:
        """Return whether there is a library at ``path``, damaged or not."""
        with translated(path):
            return has_versions(path)

    @property
    def description(self) -> str:
        """The kind of store."""
        return "a folder with a Lance dataset"

    def size_bytes(self) -> int:
        """Return the bytes on the disk, old versions included."""
        return size_bytes(self.path / DATASET)

    def discard(self) -> None:
        """Remove an empty library, and its folder unless that holds something else."""
        with self.writing(), self._lock.threads, translated(self.path, writing=True):
            if self.page_count():
                raise StoreError(f"{self.path} holds pages; only an empty library can be discarded")
            shutil.rmtree(self.path / DATASET)
            with suppress(OSError):  # Windows keeps a lock that is held, and other files keep the folder
                (self.path / HOLDER_FILE).unlink()
                (self.path / LOCK_FILE).unlink()
                self.path.rmdir()


def _check_vacant(path: Path) -> None:
    if has_versions(path):
        raise LibraryExistsError(
            f"there is a library at {path} already", hint="Open it, or choose another folder."
        )
    if strangers := others_in(path):
        raise StoreError(
            f"{path} is not empty: {', '.join(strangers[:3])}",
            hint="A new library needs a folder of its own.",
        )
