"""Documents whose files are gone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from maxsight.documents.files import is_gone
from maxsight.documents.records.shards import shards_of
from maxsight.identity import record_file, source_file
from maxsight.indexing.events import Removed
from maxsight.notices import Noticed
from maxsight.stores.base import Store


def prune(
    store: Store, home: Path | None, given: Sequence[Path], stored: Iterable[str]
) -> Iterator[Removed | Noticed]:
    """Remove documents below some folders whose files are gone.

    A folder that is not there, or is empty, removes nothing: its disk may not be mounted.

    Args:
        store: Where the documents are.
        home: The folder that documents are named relative to.
        given: Folders, and files, which are ignored.
        stored: The paths of the documents.
    """
    folders = [path.resolve() for path in given if path.is_dir()]
    empty = {folder for folder in folders if all(item.name.startswith(".") for item in folder.iterdir())}
    gone: list[str] = []
    unmounted: set[Path] = set()
    for path in stored:
        file = source_file(path, home)
        if not any(folder in file.parents for folder in folders) or not _is_document_gone(path, home):
            continue
        if empty_above := empty.intersection(file.parents):
            unmounted |= empty_above
        else:
            gone.append(path)
    for folder in sorted(unmounted):
        yield Noticed(
            f"nothing below {folder} is removed, which is empty: its disk may not be mounted",
            hint="if the documents are gone for good, use maxsight remove",
        )
    if gone:
        store.remove(gone)
    yield from map(Removed, gone)


def _is_document_gone(path: str, home: Path | None) -> bool:
    files = [source_file(path, home)]  # a file may have a name like that of a group of records
    if records := record_file(path):
        whole = source_file(records, home)
        files += shards_of(whole) or [whole]
    return all(map(is_gone, files))
