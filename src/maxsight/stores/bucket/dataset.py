"""The Lance dataset of a library in a bucket: its newest version, in the storage and as a copy on this disk."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from shlex import quote

import lance

from maxsight.errors import LibraryNotFoundError, StoreError
from maxsight.stores.addresses import DATASET
from maxsight.stores.bucket.mirror import Mirror
from maxsight.stores.bucket.objects import Objects
from maxsight.stores.local.lance_errors import blames_data, is_gone
from maxsight.stores.local.versioned import Version
from maxsight.stores.local.versions import CACHES
from maxsight.stores.verification import Damage

FRESH_S = 1.0
"""The storage is asked for a newer version at most this often: an answer takes 10 to 100 ms."""


class BucketDataset:
    """A handle on a dataset that follows the commits of other processes.

    A put into a bucket is whole and durable, or not there. So nothing is damaged by a power cut, and there is nothing
    to sync.
    """

    def __init__(self, objects: Objects) -> None:
        """Open the newest version.

        Raises:
            LibraryNotFoundError: There is no dataset.
        """
        self.place = str(objects.address)
        self.storage_options = objects.for_lance
        self._objects = objects
        self._mirror = Mirror(objects)
        with self.translated():
            if not has_versions(objects):
                raise LibraryNotFoundError(
                    f"there is no library at {self.place}",
                    hint=f"Make one: maxsight index FOLDER --library {quote(self.place)}",
                )
            self._stored = self._opened()
        self._closed = False
        self._open = self._version()
        self._asked_at = time.monotonic()

    def newest(self) -> Version:
        """Return the newest version, also one that another process wrote a second ago."""
        if self._closed:
            raise StoreError(f"{self.place} was closed", hint="Open it again.")
        if time.monotonic() - self._asked_at > FRESH_S:
            self._ask()
        return self._open

    def fetched(self) -> Version:
        """Return the newest version, with its files in the cache if they have room there."""
        version = self.newest()
        if version.folder is None:
            with self.translated():
                if self._mirror.fetch(self._stored):
                    self._open = self._version()
        return self._open

    def latest(self) -> lance.LanceDataset:
        """Return the newest version, as Lance opens it."""
        return self.newest().dataset

    def to_commit_on(self) -> lance.LanceDataset:
        """Return the newest version in the storage."""
        self._ask()
        return self._stored.checkout_version(self._stored.version)

    def went_on(self, version: Version, error: BaseException | None) -> bool:
        """Return whether there is a newer version, or the cache had lost files of this one.

        A copy whose content is to blame is removed once.
        """
        if error is None or not (is_gone(error) or blames_data(error)):
            return False
        self._ask()
        if self._open.number != version.number:
            return True
        if self._open.folder is None:
            return False
        self.forget_copies()
        return True

    def forget_copies(self) -> None:
        """Empty the cache of this library."""
        self._mirror.empty()
        self._open = Version(self._open.number, self._stored, None)

    def check_deletions(self, version: Version) -> None:
        """Do nothing: storage checks what it holds."""

    def damage(self) -> list[Damage]:
        """Return nothing: storage checks what it holds."""
        return []

    def settle(self) -> list[Damage]:
        """Look for the newest version."""
        self._ask()
        return []

    def sync(self, removed: Sequence[str] = ()) -> None:
        """Look for the version that was just committed."""
        self._ask()

    def forget_old(self) -> None:
        """Look for the newest version."""
        self._ask()

    def reading(self) -> AbstractContextManager[None]:
        """Turn foreign errors of reading into ours."""
        return self.translated()

    def translated(self, *, writing: bool = False) -> AbstractContextManager[None]:
        """Turn foreign errors into ours; see ``Objects.translated``."""
        return self._objects.translated(writing=writing)

    def close(self) -> None:
        """Close the dataset."""
        self._closed = True

    def _ask(self) -> None:
        with self.translated():
            latest = self._stored.latest_version
            if latest > self._stored.version:
                self._stored = self._stored.checkout_version(latest)
                self._open = self._version()
            elif latest < self._stored.version:  # the library was removed, and made again
                self._stored = self._opened()
                self._open = self._version()
        self._asked_at = time.monotonic()

    def _opened(self) -> lance.LanceDataset:
        options = self._objects.for_lance
        return lance.dataset(self._objects.dataset_uri, storage_options=options, **CACHES)

    def _version(self) -> Version:
        """Return the newest version, from the cache where all its files are there."""
        stored = self._stored
        copy = self._mirror.opened(stored)
        return Version(stored.version, copy or stored, self._mirror.folder if copy else None)


def has_versions(objects: Objects) -> bool:
    """Return whether there is a dataset."""
    return next(objects.below(f"{DATASET}/_versions"), None) is not None
