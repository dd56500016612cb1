"""Documents whose files are gone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from maxsight.documents.files import is_gone
from maxsight.documents.records.shards import shards_of
from maxsight.identity import record_file, source_file
from maxsight.indexing.events import Removed
from maxsight.indexing.files import content
from maxsight.indexing.plan import Plan
from maxsight.notices import Noticed
from maxsight.spelling import list_names
from maxsight.stores.base import Store


def look_for_gone(
    store: Store, home: Path | None, given: Sequence[Path], plan: Plan, *, prune: bool
) -> Iterator[Removed | Noticed]:
    """Find stored documents whose files are gone, and remove them or say so.

    These are documents below the given folders, and documents that were found under another name: they were moved, or
    the library was moved without them. Documents below an empty folder stay: its disk may not be mounted.

    Args:
        store: Where the documents are.
        home: The folder that documents are named relative to.
        given: Folders, and files, which are ignored.
        plan: What was found.
        prune: Whether to remove them.
    """
    folders = [path.resolve() for path in given if path.is_dir()]
    empty_above = cache(_empty_above)
    gone: list[str] = []
    moved = 0
    unmounted: set[Path] = set()
    for entry in plan.entries.values():
        path = entry.document.path
        if path in plan.files:
            continue
        file = source_file(path, home)
        is_elsewhere = content(entry.document) in plan.contents
        is_asked = is_elsewhere or any(folder in file.parents for folder in folders)
        if not is_asked or not _is_document_gone(path, home):
            continue
        if empty := empty_above(file.parent):
            unmounted.add(empty)
        else:
            gone.append(path)
            moved += is_elsewhere
    for folder in sorted(unmounted):
        yield Noticed(
            f"nothing below {folder} is removed, which is empty: its disk may not be mounted",
            hint="if the documents are gone for good, use maxsight remove",
        )
    if prune and gone:
        store.remove(gone)
        yield from map(Removed, gone)
    elif gone:
        files = (
            "file of 1 indexed document is"
            if len(gone) == 1
            else f"files of {len(gone):,} indexed documents are"
        )
        again = f", {moved:,} of them indexed again under another name" if moved else ""
        yield Noticed(
            f"the {files} gone{again} ({list_names(gone)})",
            hint="--prune removes such documents",
        )


def _empty_above(folder: Path) -> Path | None:
    """Return the nearest folder that is there, if it is empty or can't be looked at."""
    there = next((each for each in (folder, *folder.parents) if each.is_dir()), folder)
    try:
        is_empty = all(item.name.startswith(".") for item in there.iterdir())
    except OSError:
        is_empty = True
    return there if is_empty else None


def _is_document_gone(path: str, home: Path | None) -> bool:
    files = [source_file(path, home)]  # a file may have a name like that of a group of records
    if records := record_file(path):
        whole = source_file(records, home)
        files += shards_of(whole) or [whole]
    return all(map(is_gone, files))
