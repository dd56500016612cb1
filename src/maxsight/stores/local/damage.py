"""Find and drop what a power cut or a failing disk has damaged in a dataset, and nothing else.

A commit that was reported is on the disk. One that was not may have left a corrupt manifest, or files cut short; the
versions before it are whole. A look costs one ``stat`` and one short read per file.

Only proven corruption counts as damage. Other failures to read (no permission, too many open files, a newer Lance) are
raised: healthy files are never set aside or dropped.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from pathlib import Path

import lance
from lance.file import LanceFileReader

from maxsight.errors import LibraryDamagedError
from maxsight.stores.local.lance_errors import FOREIGN, blames_data, brief, is_foreign
from maxsight.stores.verification import Damage

VERSIONS = "_versions"
_MAGIC = b"LANC"
_MANIFEST_END = struct.Struct("<QHH4s")
"""The offset of the manifest's message, the major and minor number of Lance's format, the magic."""
_MESSAGE_LENGTH = struct.Struct("<I")
_NEWEST_FIRST = 2**64 - 1
"""A manifest's name is this number minus the version, so the newest sorts first."""
INDEX_CACHE_BYTES = 256 * 2**20
METADATA_CACHE_BYTES = 4 * 2**20  # Lance caches the manifest of every commit: gigabytes by default


def manifests(folder: Path) -> list[Path]:
    """List the manifests of a dataset, newest first; none where there is no dataset."""
    try:
        names = os.listdir(folder / VERSIONS)
    except (FileNotFoundError, NotADirectoryError):
        return []
    numbered = (Path(name) for name in names if name.endswith(".manifest"))
    return [folder / VERSIONS / name for name in sorted(numbered) if name.stem.isdecimal()]


def manifest_identity(folder: Path, version: int) -> tuple[int, ...] | None:
    """Return what changes when the manifest of a version becomes another file; None where it is gone."""
    try:
        found = (folder / VERSIONS / f"{_NEWEST_FIRST - version:020}.manifest").stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def open_newest(folder: Path) -> tuple[lance.LanceDataset, list[Damage]]:
    """Open the newest version whose manifest is not corrupt.

    Args:
        folder: The dataset.

    Returns:
        The dataset, and the newer manifests that are corrupt.
    """
    corrupt: list[Damage] = []
    found = manifests(folder)
    for manifest in found:
        version = _NEWEST_FIRST - int(manifest.stem)
        try:
            opened = lance.dataset(
                folder,
                version=version,
                index_cache_size_bytes=INDEX_CACHE_BYTES,
                metadata_cache_size_bytes=METADATA_CACHE_BYTES,
            )
            return opened, corrupt
        except BaseException as error:
            if not is_foreign(error):
                raise
            if not manifest.exists():
                continue  # another process has removed it, or set it aside
            if not (blames_data(error) and _is_corrupt(manifest, str(error))):
                raise
            reason = f"the manifest of version {version} can't be read"
            corrupt.append(Damage(f"{VERSIONS}/{manifest.name}", reason))
            if manifest == found[-1]:
                raise LibraryDamagedError(
                    f"{folder.parent} is damaged: none of its {len(found)} versions can be read",
                    hint="Restore a backup, or move the folder away and index the files again.",
                ) from error
    raise FileNotFoundError(f"{folder / VERSIONS} has no manifest")


def _is_corrupt(manifest: Path, complaint: str) -> bool:
    """Return whether a manifest was cut short, or Lance's error says that it is not valid Protobuf."""
    content = manifest.read_bytes()
    if len(content) < _MANIFEST_END.size + _MESSAGE_LENGTH.size or not content.endswith(_MAGIC):
        return True
    last = len(content) - _MANIFEST_END.size - _MESSAGE_LENGTH.size
    begin = _MANIFEST_END.unpack(content[-_MANIFEST_END.size :])[0]
    if begin > last or not 0 < _MESSAGE_LENGTH.unpack_from(content, begin)[0] <= last - begin:
        return True
    return "decode Protobuf" in complaint


def old_manifests(folder: Path, newest: int) -> list[Damage]:
    """List truncated manifests before version ``newest``: Lance can't delete old versions while one is there."""
    return [
        Damage(f"{VERSIONS}/{manifest.name}", "the manifest of an old version was cut short", pages=0)
        for manifest in manifests(folder)
        if _NEWEST_FIRST - int(manifest.stem) < newest and not _has_magic(manifest)
    ]


def set_aside(folder: Path, unreadable: list[Damage], place: Path) -> None:
    """Move corrupt manifests out of the dataset, so that the version before becomes the newest."""
    for damage in unreadable:
        place.mkdir(exist_ok=True)
        manifest = folder / damage.file
        manifest.replace(place / f"{manifest.name}.{os.getpid()}")


def find(dataset: lance.LanceDataset, folder: Path) -> list[Damage]:
    """List files that are missing or cut short."""
    return [*_fragments(dataset, folder), *_indices(dataset, folder)]


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
        page_ids, paths = _names([folder / name for name in files if not reasons[name]])
        yield Damage(bad, reason, metadata.num_rows, page_ids, paths=paths, fragment_id=fragment.fragment_id)


def _indices(dataset: lance.LanceDataset, folder: Path) -> Iterator[Damage]:
    for index in dataset.describe_indices():
        for segment in index.segments:
            name = f"_indices/{segment.uuid}"
            files = list((folder / name).iterdir()) if (folder / name).exists() else []
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
    """Return why the list of a fragment's deleted rows can't be read; None if it can."""
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
