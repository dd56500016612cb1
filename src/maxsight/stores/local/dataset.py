"""The Lance dataset of one library: its newest readable version, and commits that stay."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shlex import quote

import lance
import pyarrow as pa

from maxsight.errors import LibraryNotFoundError, MaxSightError, StoreError
from maxsight.stores.addresses import DATASET
from maxsight.stores.local import damage
from maxsight.stores.local.damage import Damage
from maxsight.stores.local.durability import Synced
from maxsight.stores.local.lance_errors import blames_data, damaged, is_foreign, is_gone, translated
from maxsight.stores.local.lock import HOLDER_FILE, LOCK_FILE

SET_ASIDE = "damaged"
READAHEAD = 2
IO_BUFFER_BYTES = 32 * 2**20

logger = logging.getLogger(__name__)


class Dataset:
    """A handle on a dataset that follows other processes' commits."""

    def __init__(self, library: Path) -> None:
        """Open the newest readable version.

        Raises:
            LibraryNotFoundError: There is none.
            LibraryDamagedError: None can be read.
        """
        self.library = library
        self.folder = library / DATASET
        with translated(library):
            if not has_versions(library):
                raise _not_found(library)
            self._open, self._unreadable = damage.open_newest(self.folder)
        self._closed = False
        self._synced = Synced(self.folder)

    def latest(self) -> lance.LanceDataset:
        """The newest readable version, another process' too."""
        if self._closed:
            raise StoreError(f"{self.library} was closed", hint="Open it again.")
        with translated(self.library):
            newest = self._open.latest_version
            if newest != self._open.version:
                try:
                    self._open, self._unreadable = self._open.checkout_version(newest), []
                except BaseException as error:
                    if not is_foreign(error):
                        raise
                if self._open.version != newest:  # a manifest of zeros reads as version 0
                    self._open, self._unreadable = damage.open_newest(self.folder)
            return self._open

    def to_commit_on(self) -> lance.LanceDataset:
        """The newest readable version, for one writer alone: a commit changes the object that it is made on."""
        newest = self.latest()
        return newest.checkout_version(newest.version)

    def damage(self) -> list[Damage]:
        """What can't be read, as far as sizes and ends of files tell."""
        dataset = self.latest()
        with translated(self.library):
            return [*self._unreadable, *damage.find(dataset, self.folder)]

    def settle(self) -> list[Damage]:
        """Before writing: drop what is damaged, and see to it that everything there is on the disk."""
        with translated(self.library):
            self._open, self._unreadable = damage.open_newest(self.folder)
        found = self.damage()
        damage.set_aside(self.folder, self._unreadable, self.library / SET_ASIDE)
        self._unreadable = []
        older = damage.old_manifests(self.folder, self._open.version)
        damage.set_aside(self.folder, older, self.library / SET_ASIDE)
        found += older
        for item in found:
            logger.warning("%s: %s", self.library, item)
        self._open = damage.drop(self.to_commit_on(), found)
        self.sync()
        return found

    def sync(self) -> None:
        """Put what was committed on the disk."""
        self._synced.sync()

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Turn foreign errors into ours; where a quick look finds a damaged file, that is what is named.

        Raises:
            LibraryDamagedError: Something can't be read as it was written.
            StoreError: Something can't be read for another reason.
        """
        with translated(self.library):
            try:
                yield
            except MaxSightError:
                raise
            except BaseException as error:
                if not is_foreign(error):
                    raise
                lost = self._lost()  # names the file that has no permission, too
                if not lost or not blames_data(error):
                    raise
                more = f" (and {len(lost) - 1} more)" if len(lost) > 1 else ""
                raise damaged(self.library, f"{lost[0]}{more}") from error

    def _lost(self) -> list[Damage]:
        return [item for item in self.damage() if item.fragment_id is not None]

    def scan(
        self,
        columns: list[str],
        condition: str | None,
        *,
        batch_rows: int,
        with_row_id: bool = False,
    ) -> Iterator[pa.RecordBatch]:
        """Read rows in batches.

        Where another process cleans the version away meanwhile, reading goes on in the newest one, without the
        pages that were given already.

        Args:
            columns: Which columns; ``page_id`` is among them.
            condition: SQL, or None for all rows.
            batch_rows: Rows at a time.
            with_row_id: Add the column ``_rowid``.
        """
        given: set[str] = set()
        while True:
            dataset, before = self.latest(), frozenset(given)
            try:
                for batch in dataset.to_batches(
                    columns=columns,
                    filter=condition,
                    batch_size=batch_rows,
                    batch_readahead=READAHEAD,
                    fragment_readahead=READAHEAD,
                    io_buffer_size=IO_BUFFER_BYTES,
                    with_row_id=with_row_id,
                ):
                    names = batch.column("page_id").to_pylist()
                    if not before.isdisjoint(names):
                        batch = batch.filter(pa.array([name not in before for name in names]))
                    given.update(names)
                    yield batch
                return
            except BaseException as error:
                if not is_foreign(error):
                    raise
                if not is_gone(error) or self.latest().version == dataset.version:
                    raise

    def close(self) -> None:
        """Release what is held."""
        self._closed = True


def has_versions(library: Path) -> bool:
    """Whether there is a dataset, whatever its state."""
    return bool(damage.manifests(library / DATASET))


def _not_found(place: Path) -> LibraryNotFoundError:
    """The error for a place without a library. A folder of documents is none, and can't become one."""
    ours = {DATASET, SET_ASIDE, LOCK_FILE, HOLDER_FILE}
    if place.is_dir() and any(entry.name not in ours for entry in place.iterdir()):
        beside = f"{place.absolute().name}.library"
        return LibraryNotFoundError(
            f"{place} is a folder, but not a library",
            hint="If it holds documents, index them into a library of their own, and search that: "
            f"maxsight index {quote(str(place))} --library {quote(beside)}",
        )
    return LibraryNotFoundError(
        f"there is no library at {place}",
        hint=f"Make one: maxsight index FOLDER --library {quote(str(place))}, or Library.create in Python.",
    )
