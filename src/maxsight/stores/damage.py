"""What a power cut or a failing disk can do to a dataset, and how to go on without the rest being touched.

A commit that was reported is on the disk. One that was not may have left a manifest that can't be read, or files
cut short; the versions before it are whole. Looking costs one ``stat`` and one short read per file.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import lance
from lance.file import LanceFileReader

from maxsight.stores.edge import FOREIGN

VERSIONS = "_versions"
_MAGIC = b"LANC"
_NEWEST_FIRST = 2**64 - 1  # manifests are named by what is left to this, so that the newest sorts first


@dataclass(frozen=True, slots=True)
class Damage:
    """Something that can't be read any more.

    Attributes:
        file: Which file of the dataset, relative to it.
        reason: What is wrong with it.
        pages: How many pages are lost with it; None where that can't be known.
        page_ids: Their ids, where those can still be read.
        fragment_id: The group of rows the file belongs to.
        index: The index it belongs to.
    """

    file: str
    reason: str
    pages: int | None = None
    page_ids: tuple[str, ...] = ()
    fragment_id: int | None = None
    index: str | None = None

    def __str__(self) -> str:
        if self.index is not None:
            return f"{self.file}: {self.reason}; the text index has to be built anew"
        if self.pages == 0:
            return f"{self.file}: {self.reason}; no page is lost with it"
        lost = "the pages of the newest commit" if self.pages is None else f"{self.pages} pages"
        return f"{self.file}: {self.reason}; {lost} can't be read"


def open_newest(folder: Path) -> tuple[lance.LanceDataset, list[Damage]]:
    """Open the newest version that can be read.

    Args:
        folder: The dataset.

    Returns:
        The dataset, and the newer manifests that can't be read.
    """
    unreadable: list[Damage] = []
    manifests = sorted((folder / VERSIONS).glob("*.manifest"))
    for manifest in manifests:
        version = _NEWEST_FIRST - int(manifest.stem)
        try:
            return lance.dataset(folder, version=version), unreadable
        except FOREIGN as error:
            if not manifest.exists():
                continue  # another process has cleaned it away, or set it aside
            reason = f"the manifest of version {version} can't be read"
            unreadable.append(Damage(f"{VERSIONS}/{manifest.name}", reason))
            if manifest == manifests[-1]:
                raise OSError(f"none of {len(manifests)} versions can be read") from error
    raise FileNotFoundError(f"{folder / VERSIONS} has no manifest")


def old_manifests(folder: Path) -> list[Damage]:
    """Look for manifests of any version that were cut short. Cleaning up old versions would stumble over them."""
    return [
        Damage(f"{VERSIONS}/{manifest.name}", "the manifest of an old version was cut short", pages=0)
        for manifest in sorted((folder / VERSIONS).glob("*.manifest"))
        if not _has_magic(manifest)
    ]


def set_aside(folder: Path, unreadable: list[Damage], place: Path) -> None:
    """Move manifests that can't be read out of the dataset, so that the version before is the newest."""
    for damage in unreadable:
        place.mkdir(exist_ok=True)
        manifest = folder / damage.file
        manifest.replace(place / f"{manifest.name}.{os.getpid()}")


def find(dataset: lance.LanceDataset, folder: Path) -> list[Damage]:
    """Look for files that are missing or cut short."""
    return [*_fragments(dataset, folder), *_indices(dataset, folder)]


def drop(dataset: lance.LanceDataset, damages: list[Damage]) -> lance.LanceDataset:
    """Take damaged rows and indices out of the dataset, in one commit each kind. Reads none of their files."""
    fragments = sorted({damage.fragment_id for damage in damages if damage.fragment_id is not None})
    if fragments:
        operation = lance.LanceOperation.Delete(
            updated_fragments=[], deleted_fragment_ids=fragments, predicate="damaged"
        )
        dataset = lance.LanceDataset.commit(dataset.uri, operation, read_version=dataset.version)
    for index in {damage.index for damage in damages if damage.index is not None}:
        dataset.drop_index(index)
    return dataset


def _fragments(dataset: lance.LanceDataset, folder: Path) -> Iterator[Damage]:
    for fragment in dataset.get_fragments():
        metadata = fragment.metadata
        files = {f"data/{file.path}": file.file_size_bytes for file in metadata.files}
        reasons = {name: _missing_or_short(folder / name, size) for name, size in files.items()}
        bad = next((name for name, reason in reasons.items() if reason), None)
        if bad is not None:
            reason = reasons[bad] or ""
        elif metadata.deletion_file is not None and (failure := _failure_to_read(fragment)):
            bad, reason = f"_deletions/{fragment.fragment_id}", failure
        else:
            continue
        names = _page_ids([folder / name for name in files if not reasons[name]])
        yield Damage(bad, reason, metadata.num_rows, names, fragment_id=fragment.fragment_id)


def _indices(dataset: lance.LanceDataset, folder: Path) -> Iterator[Damage]:
    for index in dataset.describe_indices():
        for segment in index.segments:
            name = f"_indices/{segment.uuid}"
            files = list((folder / name).glob("*"))
            found = sum(file.stat().st_size for file in files)
            if found != segment.size_bytes or not all(map(_has_magic, files)):
                reason = f"{found} of {segment.size_bytes} bytes are there"
                yield Damage(name, reason, pages=0, index=index.name)


def _missing_or_short(file: Path, size_bytes: int | None) -> str | None:
    try:
        found = file.stat().st_size
    except FileNotFoundError:
        return "the file is missing"
    if size_bytes is not None and found != size_bytes:
        return f"{found} of {size_bytes} bytes are there"
    return None if _has_magic(file) else "the end of the file is damaged"


def _has_magic(file: Path) -> bool:
    with file.open("rb") as stream:
        stream.seek(max(0, file.stat().st_size - len(_MAGIC)))
        return stream.read() == _MAGIC


def _failure_to_read(fragment: lance.LanceFragment) -> str | None:
    """Why the list of a fragment's deleted rows can't be read; None if it can."""
    try:
        fragment.to_table(columns=["page_number"])
    except FOREIGN as error:
        return f"the list of deleted rows can't be read ({str(error)[:80]})"
    return None


def _page_ids(files: list[Path]) -> tuple[str, ...]:
    for file in files:
        try:
            table = LanceFileReader(str(file), columns=["page_id"]).read_all().to_table()
        except FOREIGN:
            continue
        return tuple(table.column("page_id").to_pylist())
    return ()
