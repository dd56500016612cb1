"""Find and drop files of a dataset that a power cut or a failing disk has damaged, and nothing else.

A commit that was reported is on the disk. One that was not may have left files cut short. A look costs one ``stat`` and
one short read per data file; lists of deleted rows and indexes are read and compared with their checksums.

Only proven corruption counts as damage. Other failures to read (no permission, too many open files, a newer Lance) are
raised: healthy files are never dropped.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import lance
from lance.file import LanceFileReader

from maxsight.stores.local.commit_log import CommitLog
from maxsight.stores.local.lance_errors import FOREIGN, blames_data, brief
from maxsight.stores.local.versions import MAGIC, has_magic
from maxsight.stores.verification import Damage

_FILE_END = struct.Struct("<HH4s")
"""The major and minor number of a data file's format, the magic."""


def find(dataset: lance.LanceDataset, log: CommitLog, *, unlisted: bool = False) -> list[Damage]:
    """List files that are missing, cut short, or not what the list of commits says.

    Args:
        dataset: One version.
        log: The list.
        unlisted: Also list indexes that the list lacks: nothing says whether they are whole.
    """
    return [*_fragments(dataset, log), *_indices(dataset, log, unlisted)]


def drop(dataset: lance.LanceDataset, damages: list[Damage]) -> None:
    """Drop damaged rows and indices, each kind in one commit, without reading their files."""
    fragments = sorted({damage.fragment_id for damage in damages if damage.fragment_id is not None})
    if fragments:
        operation = lance.LanceOperation.Delete(
            updated_fragments=[], deleted_fragment_ids=fragments, predicate="damaged"
        )
        dataset = lance.LanceDataset.commit(dataset.uri, operation, read_version=dataset.version)
    for index in {damage.index for damage in damages if damage.index is not None}:
        dataset.drop_index(index)


def _fragments(dataset: lance.LanceDataset, log: CommitLog) -> Iterator[Damage]:
    folder = log.folder
    for fragment in dataset.get_fragments():
        metadata = fragment.metadata
        files = {f"data/{file.path}": file for file in metadata.files}
        reasons = {name: _harm(folder / name, file) for name, file in files.items()}
        bad = next((name for name, reason in reasons.items() if reason), None)
        if bad is not None:
            reason = reasons[bad] or ""
        elif metadata.deletion_file is not None and (failure := _failure_to_read(fragment, log)):
            bad, reason = deletions_of(fragment) or "", failure
        else:
            continue
        page_ids, paths = _names([folder / name for name in files if not reasons[name]])
        yield Damage(bad, reason, metadata.num_rows, page_ids, paths=paths, fragment_id=fragment.fragment_id)


def deletions_of(fragment: lance.LanceFragment) -> str | None:
    """Name the list of a fragment's deleted rows, relative to the dataset; None where none is deleted."""
    file = fragment.metadata.deletion_file
    return None if file is None else file.path(fragment.fragment_id)


def _indices(dataset: lance.LanceDataset, log: CommitLog, unlisted: bool) -> Iterator[Damage]:
    for index in dataset.describe_indices():
        for segment in index.segments:
            name = f"_indices/{segment.uuid}"
            place = log.folder / name
            files = list(place.iterdir()) if place.exists() else []
            found = sum(file.stat().st_size for file in files)
            if found != segment.size_bytes:
                reason = f"{found} of {segment.size_bytes} bytes are there"
            elif not all(map(has_magic, files)) or any(log.differs(f"{name}/{file.name}") for file in files):
                reason = "it is not what was written"
            elif unlisted and not all(f"{name}/{file.name}" in log.files for file in files):
                reason = "its checksum is not known"
            else:
                continue
            yield Damage(name, reason, pages=0, index=index.name)


def _harm(file: Path, written: lance.fragment.DataFile) -> str | None:
    """Return what is wrong with a data file; None if its size and its end are as they were written."""
    try:
        found = file.stat().st_size
    except FileNotFoundError:
        return "the file is missing"
    size_bytes = written.file_size_bytes
    if size_bytes is not None and found != size_bytes:
        return f"{found} of {size_bytes} bytes are there"
    with file.open("rb") as stream:
        stream.seek(max(0, found - _FILE_END.size))
        end = stream.read()
    whole = end == _FILE_END.pack(written.file_major_version, written.file_minor_version, MAGIC)
    return None if whole else "the end of the file is damaged"


def _failure_to_read(fragment: lance.LanceFragment, log: CommitLog) -> str | None:
    """Return why the list of a fragment's deleted rows can't be read; None if it can."""
    if log.differs(deletions_of(fragment) or ""):
        return "the list of deleted rows is not what was written"
    try:
        fragment.to_table(columns=[], with_row_id=True)  # reads that list and no data file
    except BaseException as error:
        if not blames_data(error):
            raise
        return f"the list of deleted rows can't be read ({brief(error)})"
    return None


def _names(files: list[Path]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the page ids in the first file that has them, and the paths of their documents."""
    for file in files:
        try:
            table = LanceFileReader(str(file), columns=["page_id", "path"]).read_all().to_table()
        except FOREIGN:
            continue
        return tuple(table.column("page_id").to_pylist()), tuple(table.column("path").unique().to_pylist())
    return (), ()
