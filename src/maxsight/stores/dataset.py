"""The Lance dataset of one library: its newest readable version, and commits that stay."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import lance
import pyarrow as pa

from maxsight.errors import StoreError
from maxsight.stores import damage
from maxsight.stores.damage import Damage
from maxsight.stores.durability import Synced
from maxsight.stores.edge import FOREIGN, is_gone, not_found, translated

DATASET = "pages.lance"
SET_ASIDE = "damaged"
READAHEAD = 2

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
        if not has_versions(library):
            raise not_found(library)
        with translated(library):
            self._open, self._unreadable = damage.open_newest(self.folder)
        self._closed = False
        self._synced = Synced(self.folder)

    def latest(self) -> lance.LanceDataset:
        """The newest readable version, another process' too."""
        if self._closed:
            raise StoreError(f"{self.library} was closed", hint="Open it again.")
        newest = self._open.latest_version
        if newest != self._open.version:
            try:
                self._open, self._unreadable = self._open.checkout_version(newest), []
            except FOREIGN:
                self._open, self._unreadable = damage.open_newest(self.folder)
        return self._open

    def damage(self) -> list[Damage]:
        """What can't be read, as far as sizes and ends of files tell."""
        dataset = self.latest()
        return [*self._unreadable, *damage.find(dataset, self.folder)]

    def settle(self) -> list[Damage]:
        """Before writing: drop what is damaged, and see to it that everything there is on the disk."""
        self._open, self._unreadable = damage.open_newest(self.folder)
        found = self.damage()
        damage.set_aside(self.folder, self._unreadable, self.library / SET_ASIDE)
        self._unreadable = []
        older = damage.old_manifests(self.folder)
        damage.set_aside(self.folder, older, self.library / SET_ASIDE)
        found += older
        for item in found:
            logger.warning("%s: %s", self.library, item)
        self._open = damage.drop(self._open, found)
        self.sync()
        return found

    def sync(self) -> None:
        """Put what was committed on the disk."""
        self._synced.sync()

    def scan(
        self, columns: list[str], condition: str | None, *, batch_size: int, with_row_id: bool = False
    ) -> Iterator[pa.RecordBatch]:
        """Read rows in batches.

        Where another process cleans the version away meanwhile, reading goes on in the newest one.

        Args:
            columns: Which columns; ``page_id`` is among them.
            condition: SQL, or None for all rows.
            batch_size: Rows at a time.
            with_row_id: Add the column ``_rowid``.
        """
        seen: set[str] = set()
        while True:
            dataset = self.latest()
            try:
                for batch in dataset.to_batches(
                    columns=columns,
                    filter=condition,
                    batch_size=batch_size,
                    batch_readahead=READAHEAD,
                    fragment_readahead=READAHEAD,
                    with_row_id=with_row_id,
                ):
                    names = batch.column("page_id").to_pylist()
                    if not seen.isdisjoint(names):
                        batch = batch.filter(pa.array([name not in seen for name in names]))
                    seen.update(names)
                    yield batch
                return
            except FOREIGN as error:
                if not is_gone(error) or self.latest().version == dataset.version:
                    raise

    def close(self) -> None:
        """Release what is held."""
        self._closed = True


def has_versions(library: Path) -> bool:
    """Whether there is a dataset, whatever its state."""
    return any((library / DATASET / damage.VERSIONS).glob("*.manifest"))
