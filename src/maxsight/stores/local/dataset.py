"""The Lance dataset of one library: its newest readable version, and commits that outlast a power cut."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shlex import quote
from typing import NamedTuple

import lance

from maxsight.errors import LibraryNotFoundError, StoreError
from maxsight.stores.addresses import DATASET
from maxsight.stores.local import damage
from maxsight.stores.local.durability import Synced
from maxsight.stores.local.lance_errors import blames_data, damaged, is_foreign, translated
from maxsight.stores.local.lock import HOLDER_FILE, LOCK_FILE
from maxsight.stores.verification import Damage

SET_ASIDE = "damaged"
REPLACED = 2**32
"""Added to the numbers of versions each time the dataset's folder turns out to be another one."""

logger = logging.getLogger(__name__)


class Version(NamedTuple):
    """An open version of a dataset.

    Attributes:
        number: Another one for every version that this process has seen, also where the folder was replaced by one
            that has reached the same version of Lance.
        dataset: The version.
        manifest: Identity of its manifest's file.
    """

    number: int
    dataset: lance.LanceDataset
    manifest: tuple[int, ...] | None


class Dataset:
    """A handle on a dataset that follows the commits of other processes."""

    def __init__(self, library: Path) -> None:
        """Open the newest readable version.

        Raises:
            LibraryNotFoundError: The folder has no dataset.
            LibraryDamagedError: No version can be read.
        """
        self.library = library
        self.folder = library / DATASET
        with translated(library):
            if not has_versions(library):
                raise _not_found(library)
            opened, self._unreadable = damage.open_newest(self.folder)
            self._open = Version(opened.version, opened, self._identity(opened))
        self._closed = False
        self._synced = Synced(self.folder)

    def newest(self) -> Version:
        """Return the newest readable version, also one that another process wrote."""
        if self._closed:
            raise StoreError(f"{self.library} was closed", hint="Open it again.")
        with translated(self.library):
            now = self._open
            latest = now.dataset.latest_version
            replaced = self._identity(now.dataset) != now.manifest
            if latest == now.dataset.version and not replaced:
                self._unreadable = []
                return now
            opened, self._unreadable = None if replaced else _checked_out(now.dataset, latest), []
            if opened is None or opened.version != latest:  # a manifest of zeros reads as version 0
                opened, self._unreadable = damage.open_newest(self.folder)
                if not replaced and opened.version == now.dataset.version:
                    return now
            return self._take(opened)

    def latest(self) -> lance.LanceDataset:
        """Return the newest readable version, as Lance opens it."""
        return self.newest().dataset

    def _identity(self, dataset: lance.LanceDataset) -> tuple[int, ...] | None:
        return damage.manifest_identity(self.folder, dataset.version)

    def _take(self, opened: lance.LanceDataset) -> Version:
        """Go on with another handle, with a number of its own unless it is the same version."""
        now = self._open
        base = now.number - now.dataset.version
        if self._identity(now.dataset) != now.manifest:
            base += REPLACED
        self._open = Version(base + opened.version, opened, self._identity(opened))
        return self._open

    def to_commit_on(self) -> lance.LanceDataset:
        """Return the newest readable version for one writer alone: a commit changes the object it is made on."""
        newest = self.latest()
        return newest.checkout_version(newest.version)

    def damage(self) -> list[Damage]:
        """List what can't be read, as far as sizes and ends of files show."""
        dataset = self.latest()
        with translated(self.library):
            return [*self._unreadable, *damage.find(dataset, self.folder)]

    def settle(self) -> list[Damage]:
        """Prepare for writing: drop damaged data, and make sure that everything else is on the disk.

        Returns:
            What was dropped.
        """
        with translated(self.library):
            opened, self._unreadable = damage.open_newest(self.folder)
            self._take(opened)
        found = self.damage()
        damage.set_aside(self.folder, self._unreadable, self.library / SET_ASIDE)
        self._unreadable = []
        older = damage.old_manifests(self.folder, opened.version)
        damage.set_aside(self.folder, older, self.library / SET_ASIDE)
        found += older
        for item in found:
            logger.warning("%s: %s", self.library, item)
        damage.drop(self.to_commit_on(), found)
        self.sync()
        return found

    def sync(self) -> None:
        """Put what was committed on the disk."""
        self._synced.sync()

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Turn foreign errors into ours, and name the damaged file where a quick look finds one.

        Raises:
            LibraryDamagedError: Something can't be read as it was written.
            StoreError: Something can't be read for another reason.
        """
        with translated(self.library):
            try:
                yield
            except BaseException as error:
                if not is_foreign(error):
                    raise
                # A file without permission fails here too, and is named.
                lost = [item for item in self.damage() if item.fragment_id is not None]
                if not lost or not blames_data(error):
                    raise
                more = f" (and {len(lost) - 1} more)" if len(lost) > 1 else ""
                raise damaged(self.library, f"{lost[0]}{more}") from error

    def close(self) -> None:
        """Close the dataset."""
        self._closed = True


def _checked_out(dataset: lance.LanceDataset, version: int) -> lance.LanceDataset | None:
    """Return another version, over the same caches; None where it can't be read."""
    try:
        return dataset.checkout_version(version)
    except BaseException as error:
        if not is_foreign(error):
            raise
        return None


def has_versions(library: Path) -> bool:
    """Return whether there is a dataset, even a damaged one."""
    return bool(damage.manifests(library / DATASET))


def others_in(folder: Path) -> list[str]:
    """Return the names in a folder that are no part of a library, sorted."""
    ours = {DATASET, SET_ASIDE, LOCK_FILE, HOLDER_FILE}
    return sorted(entry.name for entry in folder.iterdir() if entry.name not in ours)


def _not_found(place: Path) -> LibraryNotFoundError:
    """Return the error for a place without a library, with what to do: a folder of documents can't become one."""
    if place.is_dir() and others_in(place):
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
