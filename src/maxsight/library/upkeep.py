"""Looking after a library: what it holds, and what its folder needs."""

from __future__ import annotations

from collections.abc import Callable
from os import PathLike
from pathlib import Path

from maxsight.errors import InputError
from maxsight.identity import page_ids
from maxsight.library.exporting import export_parquet
from maxsight.library.listing import OpenedLibrary
from maxsight.library.status import Status
from maxsight.stores.base import Maintained
from maxsight.stores.verification import Verification

PAGES_PER_READ = 64


class Upkeep(OpenedLibrary):
    """The part of a ``Library`` that looks after it."""

    def status(self) -> Status:
        """What the library holds."""
        return Status.of(self._store, self.address)

    def export(self, file: str | PathLike[str]) -> int:
        """Write every page with its vectors to a Parquet file, and return how many.

        Raises:
            InputError: The file can't be written.
        """
        ids = [page for entry in self.documents() for page in page_ids(entry.document, entry.page_indices)]
        groups = (ids[start : start + PAGES_PER_READ] for start in range(0, len(ids), PAGES_PER_READ))
        pages = (page for group in groups for page in self._store.read(group))
        return export_parquet(pages, Path(file), self.space.dim, self._store.fields())

    @property
    def damage(self) -> list[str]:
        """What was found damaged: dropped if this library has written since it was opened, else left out."""
        if not isinstance(self._store, Maintained):
            return []  # a server looks after its own disks
        return self._dropped() or [str(damage) for damage in self._store.damage()]

    def _dropped(self) -> list[str]:
        """What was damaged and has been dropped since the library was opened."""
        return [str(damage) for damage in self._store.dropped] if isinstance(self._store, Maintained) else []

    def verify(
        self, *, repair: bool = False, on_progress: Callable[[int, int], None] | None = None
    ) -> Verification:
        """Read every page and compare it with what was written.

        Args:
            repair: Drop what is damaged, so that the next ``index`` reads those pages again.
            on_progress: Called with pages read and pages in all.

        Raises:
            InputError: The library is in no folder.
        """
        return self._folder_store("verified").verify(repair=repair, on_progress=on_progress)

    def compact(self) -> None:
        """Merge fragments, and drop versions more than an hour old.

        Raises:
            InputError: The library is in no folder.
        """
        self._folder_store("compacted").compact()

    def backup(self, destination: str | PathLike[str]) -> None:
        """Copy one consistent version to a folder that is empty or does not exist. The copy is a library.

        Documents are named relative to the folder that holds a library: put a backup back in its place before you
        index with it.

        Raises:
            StoreError: Something is there already, or it can't be written to.
            InputError: The library is in no folder.
        """
        store = self._folder_store("backed up")
        if self.path.resolve() in (Path(destination).resolve(), *Path(destination).resolve().parents):
            raise InputError(f"{destination} lies in the library itself", hint="Choose a folder outside it.")
        store.backup(Path(destination))

    def _folder_store(self, done: str) -> Maintained:
        if isinstance(self._store, Maintained):
            return self._store
        raise InputError(
            f"only a library in a folder can be {done}; this one is at {self.address}",
            hint=f"Copy it to a folder: maxsight copy '{self.address}' FOLDER",
        )
