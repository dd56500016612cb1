"""Make commits outlast a power cut."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from maxsight.stores.local.commit_log import CommitLog, Removal
from maxsight.stores.local.durability import sync_file, sync_folder


class Synced:
    """Remembers which files of a dataset are on the disk.

    A file of a Lance dataset never changes, so one fsync each is enough. Lance calls none.
    """

    def __init__(self, folder: Path) -> None:
        """Start with no file: another process may have been killed between its commit and its fsync."""
        self._folder = folder
        self._known: set[str] = set()

    def sync(self, log: CommitLog, removed: Removal | None = None) -> None:
        """Put new files on the disk, then the folders that name them, then the list of commits.

        Args:
            log: The list.
            removed: What the commit has removed.
        """
        fresh = [entry.path for entry in _files(self._folder) if entry.path not in self._known]
        for path in fresh:
            sync_file(path)
            self._known.add(path)
        new_folders = set(map(os.path.dirname, fresh))
        for folder in sorted(new_folders | _parents(new_folders, self._folder), key=len, reverse=True):
            sync_folder(folder)
        log.add((Path(path).relative_to(self._folder).as_posix() for path in fresh), removed)


def _files(folder: str | Path) -> Iterator[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _files(entry.path)
            elif not entry.name.endswith(
                (".json", ".log")
            ):  # a hint of Lance and our list, which grow and change
                yield entry


def _parents(folders: set[str], top: Path) -> set[str]:
    above = {str(parent) for folder in folders for parent in Path(folder).parents}
    return {folder for folder in above if Path(folder).is_relative_to(top)} | {str(top.parent)}
