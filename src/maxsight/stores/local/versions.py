"""The versions of a dataset: each has a manifest, and the newest that is whole counts.

A manifest that differs from the list of commits is never opened: Lance can panic on one, or read something else. One
without a line in the list is opened, and whatever Lance raises for its content leads to the version before. Failures
of the system (no permission, too many open files) and manifests of a newer Lance are raised: healthy files are never
set aside.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lance

from maxsight.errors import LibraryDamagedError
from maxsight.stores.local.commit_log import VERSIONS, CommitLog, manifest_name, version_of
from maxsight.stores.local.lance_errors import blames_data, is_foreign
from maxsight.stores.verification import Damage

MAGIC = b"LANC"
CACHES: dict[str, Any] = {
    "index_cache_size_bytes": 256 * 2**20,
    "metadata_cache_size_bytes": 4 * 2**20,  # Lance caches the manifest of every commit: gigabytes by default
}


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
        found = (folder / manifest_name(version)).stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def open_newest(folder: Path, log: CommitLog) -> tuple[lance.LanceDataset, list[Damage]]:
    """Open the newest version whose manifest is whole.

    Args:
        folder: The dataset.
        log: The list of its commits.

    Returns:
        The dataset, and the manifests of newer versions that are damaged or missing.
    """
    found = manifests(folder)
    if not found:
        raise FileNotFoundError(f"{folder / VERSIONS} has no manifest")
    corrupt: list[str] = []
    for manifest in found:
        name = f"{VERSIONS}/{manifest.name}"
        if not log.differs(name):
            opened = _open(folder, version_of(name))
            if opened is not None:
                lost = [*corrupt, *missing_manifests(folder, log, opened.version)]
                return opened, list(map(_undone, lost))
        if manifest.exists():  # else another process has removed it, or set it aside
            corrupt.append(name)
    raise LibraryDamagedError(
        f"{folder.parent} is damaged: none of its {len(found)} versions can be read",
        hint="Restore a backup, or move the folder away and index the files again.",
    )


def missing_manifests(folder: Path, log: CommitLog, version: int) -> Iterator[str]:
    """Name the manifests after a version that were written, and are gone."""
    for name in log.files:
        if version_of(name) > version and not (folder / name).exists():
            yield name


def _open(folder: Path, version: int) -> lance.LanceDataset | None:
    """Open one version; None if its manifest is gone, or its content is to blame."""
    try:
        return lance.dataset(folder, version=version, **CACHES)
    except BaseException as error:
        if is_foreign(error) and not (folder / manifest_name(version)).exists():
            return None
        if not blames_data(error):
            raise
        return None


def _undone(name: str) -> Damage:
    return Damage(name, f"the manifest of version {version_of(name)} is damaged or missing")


def old_manifests(folder: Path, log: CommitLog, newest: int) -> list[Damage]:
    """List damaged manifests before version ``newest``: Lance can't delete old versions while one is there."""
    older = (manifest for manifest in manifests(folder) if version_of(f"{VERSIONS}/{manifest.name}") < newest)
    return [
        Damage(f"{VERSIONS}/{manifest.name}", "the manifest of an old version is damaged", pages=0)
        for manifest in older
        if not has_magic(manifest) or log.differs(f"{VERSIONS}/{manifest.name}")
    ]


def set_aside(folder: Path, unreadable: list[Damage], place: Path) -> None:
    """Move damaged manifests out of the dataset, so that the version before becomes the newest."""
    for damage in unreadable:
        manifest = folder / damage.file
        if manifest.exists():
            place.mkdir(exist_ok=True)
            manifest.replace(place / f"{manifest.name}.{os.getpid()}")


def has_magic(file: Path) -> bool:
    """Return whether a file ends as all of Lance's files end."""
    with file.open("rb") as stream:
        stream.seek(max(0, file.stat().st_size - len(MAGIC)))
        return stream.read() == MAGIC
