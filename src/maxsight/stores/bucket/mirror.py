"""A copy of a version's files on this machine's disk, so that searches map them into memory as in a folder.

Files of a Lance dataset never change: a name stands for one content, except that of a manifest, which is fetched
each time. The copies of all libraries share one size; what was used longest ago goes first.
"""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import lance

from maxsight.identity import document_id
from maxsight.settings import cache_folder
from maxsight.stores.addresses import DATASET
from maxsight.stores.bucket.objects import Objects
from maxsight.stores.local.commit_log import manifest_name
from maxsight.stores.local.damage import deletions_of
from maxsight.stores.local.durability import size_bytes
from maxsight.stores.local.lance_errors import translated
from maxsight.stores.local.versions import CACHES, has_magic

AT_ONCE = 8
MIN_BYTES_TOLD = 2**20

logger = logging.getLogger(__name__)


class _File(NamedTuple):
    name: str
    size_bytes: int | None


class Mirror:
    """The copies of one library's files.

    Attributes:
        folder: The copy of the dataset.
    """

    def __init__(self, objects: Objects) -> None:
        """Find the folder; nothing is fetched."""
        self._objects = objects
        self._all = cache_folder() / "buckets"
        endpoint = next((v for k, v in objects.address.options.items() if "endpoint" in k), "")
        self._own = self._all / document_id(f"{endpoint} {objects.address}")
        self.folder = self._own / DATASET
        self._too_large = False

    def opened(self, version: lance.LanceDataset) -> lance.LanceDataset | None:
        """Open the copy of a version; None unless all of its files are here."""
        files = _files_of(version)
        manifest = self.folder / manifest_name(version.version)
        if not manifest.exists() or not all(map(self._is_whole, files)):
            return None
        copy = lance.dataset(self.folder, version=version.version, **CACHES)
        return copy if _files_of(copy) == files else None  # else it is of a library that was there before

    def fetch(self, version: lance.LanceDataset) -> bool:
        """Fetch the files of a version that are not here, and return whether all are here now.

        Raises:
            StorageFullError: The disk is full.
        """
        files = _files_of(version)
        if not self._has_room(files):
            return False
        missing = [file for file in files if not self._is_whole(file)]
        self._make_room(files)
        if (total := sum(file.size_bytes or 0 for file in missing)) >= MIN_BYTES_TOLD:
            logger.warning(
                "%s: fetching %.1f MB of %.1f MB into the cache at %s",
                self._objects.address,
                total / 1e6,
                sum(file.size_bytes or 0 for file in files) / 1e6,
                self._own,
            )
        names = [name for file in missing for name in self._objects_of(file)]
        with translated(self._own, writing=True), ThreadPoolExecutor(AT_ONCE) as pool:
            for _ in pool.map(self._fetch, [*names, manifest_name(version.version)]):
                pass
        now = [self.folder / file.name for file in files]
        for path in filter(Path.is_file, now):
            with suppress(OSError):
                os.utime(path)
        return True

    def empty(self) -> None:
        """Remove the copies. They are fetched again when they are needed."""
        shutil.rmtree(self._own, ignore_errors=True)

    def _is_whole(self, file: _File) -> bool:
        path = self.folder / file.name
        try:
            if path.is_dir():
                return size_bytes(path) == file.size_bytes
            return path.stat().st_size == (file.size_bytes or path.stat().st_size) and (
                path.suffix != ".lance" or has_magic(path)
            )
        except OSError:
            return False

    def _objects_of(self, file: _File) -> list[str]:
        """Name the objects of a file, or of the folder of an index."""
        if file.name.startswith("_indices/"):
            below = f"{DATASET}/{file.name}"
            return [stored.name.removeprefix(f"{DATASET}/") for stored in self._objects.below(below)]
        return [file.name]

    def _fetch(self, name: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{path.name}.{os.getpid()}.part")
        try:
            with part.open("wb") as file:
                file.writelines(self._objects.parts(f"{DATASET}/{name}"))
            os.replace(part, path)
        finally:
            part.unlink(missing_ok=True)

    def _has_room(self, files: Iterable[_File]) -> bool:
        needed, limit = sum(file.size_bytes or 0 for file in files), self._objects.address.cache_bytes
        if needed > limit and not self._too_large:
            self._too_large = True
            logger.warning(
                "%s has %.1f GB and the cache %.1f GB: searches read from the storage, which is slow; "
                "give --cache-size %dGB",
                self._objects.address,
                needed / 1e9,
                limit / 1e9,
                needed // 10**9 + 2,
            )
        return needed <= limit

    def _make_room(self, files: Iterable[_File]) -> None:
        """Remove what was used longest ago until the files have room, except these files themselves."""
        ours = {self.folder / file.name for file in files}
        others, total = [], sum(file.size_bytes or 0 for file in files)
        for place, _, names in os.walk(self._all):
            for path in (Path(place) / name for name in names):
                if path not in ours and path.parent not in ours:
                    with suppress(OSError):
                        found = path.stat()
                        others.append((found.st_mtime, found.st_size, path))
                        total += found.st_size
        for _, size, path in sorted(others):
            if total <= self._objects.address.cache_bytes:
                return
            with suppress(OSError):
                path.unlink()
                total -= size


def _files_of(version: lance.LanceDataset) -> list[_File]:
    """List the files of a version, except its manifest; an index is a folder."""
    files = []
    for fragment in version.get_fragments():
        files += [_File(f"data/{file.path}", file.file_size_bytes) for file in fragment.metadata.files]
        if deletions := deletions_of(fragment):
            files.append(_File(deletions, None))
    for index in version.describe_indices():
        files += [_File(f"_indices/{segment.uuid}", segment.size_bytes) for segment in index.segments]
    return files
