"""What a store needs of a Lance dataset and of the right to write to it, wherever the dataset lies."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple, Protocol

import lance

from maxsight.stores.verification import Damage


class Version(NamedTuple):
    """An open version of a dataset.

    Attributes:
        number: Another one for every version that this process has seen, also where the dataset was replaced by one
            that has reached the same version of Lance.
        dataset: The version.
        folder: Where its files can be mapped into memory; None if they can only be read.
        manifest: Identity of its manifest's file.
        undone: Damaged or missing manifests of newer versions: their commits are undone.
        removed: Ids of pages that it holds and that commits undone had removed.
    """

    number: int
    dataset: lance.LanceDataset
    folder: Path | None
    manifest: tuple[int, ...] | None = None
    undone: tuple[Damage, ...] = ()
    removed: frozenset[str] = frozenset()


class VersionedDataset(Protocol):
    """A handle on a dataset that follows the commits of other processes."""

    @property
    def place(self) -> str:
        """Where the library is, for people."""
        ...

    @property
    def storage_options(self) -> Mapping[str, str]:
        """How Lance reaches it."""
        ...

    def newest(self) -> Version:
        """Return the newest readable version, also one that another process wrote."""
        ...

    def fetched(self) -> Version:
        """Return the same, with its files on this machine's disk if they have room there."""
        ...

    def latest(self) -> lance.LanceDataset:
        """Return the newest readable version, as Lance opens it."""
        ...

    def to_commit_on(self) -> lance.LanceDataset:
        """Return the newest readable version for one writer alone: a commit changes the object it is made on."""
        ...

    def went_on(self, version: Version, error: BaseException | None) -> bool:
        """Return whether reading a version again may succeed after this error: its files went, or came back."""
        ...

    def check_deletions(self, version: Version) -> None:
        """Check that a version's lists of deleted rows are what was written."""
        ...

    def damage(self) -> list[Damage]:
        """List what can't be read, as far as a quick look shows."""
        ...

    def settle(self) -> list[Damage]:
        """Prepare for writing, and return what was damaged and is dropped."""
        ...

    def sync(self, removed: Sequence[str] = ()) -> None:
        """Make sure that what was committed survives a power cut.

        Args:
            removed: Ids of the pages that the last commit has removed.
        """
        ...

    def forget_old(self) -> None:
        """Forget what was noted about versions that no longer exist."""
        ...

    def reading(self) -> AbstractContextManager[None]:
        """Turn foreign errors of reading into ours."""
        ...

    def translated(self, *, writing: bool = False) -> AbstractContextManager[None]:
        """Turn foreign errors into ours."""
        ...

    def close(self) -> None:
        """Close the dataset."""
        ...


class Lock(Protocol):
    """The right to write to one library, for one object and all its threads."""

    @property
    def threads(self) -> threading.RLock:
        """Makes other threads of this object wait."""
        ...

    def hold(self, at_first: Callable[[], None] | None = None) -> AbstractContextManager[None]:
        """Hold the right. It can be taken again while it is held.

        Args:
            at_first: Called after it is taken; not if it was held already.

        Raises:
            LibraryBusyError: Another process has it; the message says which.
        """
        ...
