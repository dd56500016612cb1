"""Looking after a library: what it holds, and the files of its folder.

The public functions that take a library are methods of ``Library``.
"""

from __future__ import annotations

from collections.abc import Callable
from os import PathLike
from pathlib import Path

from maxsight.errors import InputError
from maxsight.library.exporting import export_parquet
from maxsight.library.opened import Opened
from maxsight.library.status import Status
from maxsight.stores.base import AnyStore, Maintained
from maxsight.stores.verification import Verification


def status(library: Opened) -> Status:
    """Count what the library holds."""
    return Status.of(library.store, library.place)


def export(library: Opened, file: str | PathLike[str]) -> int:
    """Write every page with its vectors to a Parquet file, and return how many.

    Raises:
        InputError: The file can't be written.
    """
    return export_parquet(library.store, library.listing.page_ids(), Path(file))


def damage(library: Opened) -> list[str]:
    """List damage: already dropped if this library has written since it was opened, otherwise only skipped by reads."""
    if not isinstance(library.store, Maintained):
        return []  # a server looks after its own disks
    return dropped_damage(library.store) or [str(damage) for damage in library.store.damage()]


def dropped_damage(store: AnyStore) -> list[str]:
    """List the damage that was dropped since the store was opened."""
    return [str(damage) for damage in store.dropped] if isinstance(store, Maintained) else []


def verify(
    library: Opened, *, repair: bool = False, on_progress: Callable[[int, int], None] | None = None
) -> Verification:
    """Read every page and compare it with what was written.

    Args:
        library: In a folder or a bucket.
        repair: Drop damaged pages, so that the next ``index`` reads those pages again.
        on_progress: Called with pages read and pages in all.

    Raises:
        InputError: The library is in no folder and no bucket.
    """
    return _maintained(library, "verified").verify(repair=repair, on_progress=on_progress)


def compact(library: Opened) -> None:
    """Merge fragments, and drop versions more than an hour old.

    Raises:
        InputError: The library is in no folder and no bucket.
    """
    _maintained(library, "compacted").compact()


def backup(library: Opened, destination: str | PathLike[str]) -> None:
    """Copy one consistent version to a folder that is empty or does not exist. The copy is a library.

    Documents are named relative to the folder that holds a library: put a backup back in its place before you
    index with it.

    Raises:
        StoreError: Something is there already, or it can't be written to.
        InputError: The library is in no folder and no bucket.
    """
    store, to = _maintained(library, "backed up"), Path(destination)
    own = library.address
    if isinstance(own, Path) and own.resolve() in (to.resolve(), *to.resolve().parents):
        raise InputError(f"{destination} is in the library itself", hint="Choose a folder outside it.")
    store.backup(to)


def _maintained(library: Opened, done: str) -> Maintained:
    if isinstance(library.store, Maintained):
        return library.store
    raise InputError(
        f"only a library in a folder or a bucket can be {done}; this one is at {library.place}",
        hint=f"Copy it to a folder: maxsight copy '{library.place}' FOLDER" if library.address else None,
    )
