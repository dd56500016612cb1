"""A library in a bucket: the same dataset and the same commits as in a folder.

::

    s3://bucket/papers.library/
      pages.lance/    the dataset: everything the library knows
      writer.json     there while a process writes; says which

Lance commits by conditional puts. Searches use copies of the files on this machine's disk (``mirror``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Self

import lance

from maxsight.errors import LibraryExistsError, StoreError
from maxsight.stores.addresses import DATASET, BucketAddress
from maxsight.stores.base import Codec
from maxsight.stores.bucket.dataset import BucketDataset, has_versions
from maxsight.stores.bucket.lease import Lease
from maxsight.stores.bucket.objects import Objects
from maxsight.stores.local import maintenance, schema
from maxsight.stores.local.lance_store import LOCK_WAIT_S, LanceStore
from maxsight.stores.manifest import Manifest
from maxsight.stores.verification import Verification


class BucketStore(LanceStore):
    """A library in a bucket, for reading and writing."""

    def __init__(
        self,
        address: BucketAddress,
        *,
        codec: Callable[[int], Codec],
        read_only: bool = False,
        lock_wait_s: float = LOCK_WAIT_S,
    ) -> None:
        """Open a library. Nothing is written.

        Args:
            address: Where it is.
            codec: Makes the codec for vectors of a dimension.
            read_only: Refuse to write.
            lock_wait_s: How long to wait for another writer that is alive.

        Raises:
            LibraryNotFoundError: The bucket has no library there.
            StoreError: The bucket can't be used.
        """
        self._objects = Objects(address)
        self._bucket = BucketDataset(self._objects)
        lease = Lease(self._objects, lock_wait_s)
        super().__init__(self._bucket, lease, codec, read_only=read_only)

    @classmethod
    def create(
        cls, address: BucketAddress, manifest: Manifest, *, codec: Codec, lock_wait_s: float = LOCK_WAIT_S
    ) -> Self:
        """Make a new, empty library; see ``LocalStore.create``."""
        objects = Objects(address)
        with Lease(objects, lock_wait_s).hold(), objects.translated(writing=True):
            if has_versions(objects):
                raise LibraryExistsError(
                    f"there is a library at {address} already", hint="Open it, or choose another address."
                )
            columns = schema.dataset_schema(manifest)
            dataset = lance.write_dataset(
                columns.empty_table(),
                objects.dataset_uri,
                schema=columns,
                enable_stable_row_ids=True,
                storage_options=objects.for_lance,
            )
            maintenance.ensure_text_index(dataset)
        return cls(address, codec=lambda _: codec, lock_wait_s=lock_wait_s)

    @staticmethod
    def exists(address: BucketAddress) -> bool:
        """Return whether there is a library."""
        objects = Objects(address)
        with objects.translated():
            return has_versions(objects)

    @property
    def description(self) -> str:
        """The kind of store."""
        return "a bucket with a Lance dataset"

    def size_bytes(self) -> int:
        """Return the bytes in the bucket, old versions included."""
        with self._dataset.translated():
            return sum(stored.size_bytes for stored in self._objects.below(DATASET))

    def verify(
        self, *, repair: bool = False, on_progress: Callable[[int, int], None] | None = None
    ) -> Verification:
        """Read every row from the bucket and compare it with what was written. Empty the cache."""
        self._bucket.forget_copies()
        return super().verify(repair=repair, on_progress=on_progress)

    def discard(self) -> None:
        """Remove an empty library."""
        with self.writing(), self._lock.threads, self._dataset.translated(writing=True):
            if self.page_count():
                raise StoreError(f"{self.place} holds pages; only an empty library can be discarded")
            self._objects.delete([stored.name for stored in self._objects.below(DATASET)])
            self._bucket.forget_copies()
