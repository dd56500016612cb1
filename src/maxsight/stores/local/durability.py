"""Make commits outlast a power cut: Lance calls no fsync."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

if sys.platform == "darwin":
    import fcntl


class Synced:
    """Remembers which files of a dataset are on the disk.

    A file of a Lance dataset never changes, so one fsync each is enough.
    """

    def __init__(self, folder: Path) -> None:
        """Start with no file: another process may have been killed between its commit and its fsync."""
        self._folder = folder
        self._known: set[str] = set()

    def sync(self) -> None:
        """Put new files on the disk, and then the folders that name them."""
        new_folders: set[str] = set()
        for entry in _files(self._folder):
            if entry.path not in self._known:
                sync_file(entry.path)
                self._known.add(entry.path)
                new_folders.add(os.path.dirname(entry.path))
        for folder in sorted(new_folders | _parents(new_folders, self._folder), key=len, reverse=True):
            sync_folder(folder)


def sync_file(path: str | Path) -> None:
    """Wait until a file's content is on the disk, unless another process has removed the file."""
    try:
        descriptor = os.open(path, os.O_RDWR)  # Windows can flush only files that are open for writing
    except FileNotFoundError:
        return
    try:
        if sys.platform == "darwin":
            fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)  # fsync there stops at the drive's cache
        else:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(path: Path) -> None:
    """Make a folder and its parents, and put their names on the disk."""
    if not path.is_dir():
        make_folder(path.absolute().parent)
        path.mkdir(exist_ok=True)
        sync_folder(path.absolute().parent)


def size_bytes(folder: Path) -> int:
    """Return the size of all files below a folder. Files that are removed meanwhile do not count."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):
                total += os.stat(os.path.join(place, name)).st_size
    return total


def sync_folder(path: str | Path) -> None:
    """Wait until the names in a folder are on the disk. Windows has no such call and needs none."""
    if sys.platform == "win32":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _files(folder: str | Path) -> Iterator[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _files(entry.path)
            elif not entry.name.endswith(".json"):  # a hint that each commit writes again
                yield entry


def _parents(folders: set[str], top: Path) -> set[str]:
    above = {str(parent) for folder in folders for parent in Path(folder).parents}
    return {folder for folder in above if Path(folder).is_relative_to(top)} | {str(top.parent)}
