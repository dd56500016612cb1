"""A list of what commits wrote, with checksums of ours, beside Lance's own files.

Lance has no checksum over its manifests, lists of deleted rows and indexes: one changed bit makes it panic, or read
something else. The list is a text file that grows by lines, each with its own checksum. A line that was cut short, or
has changed, does not count. A file without a line is trusted if it can be opened: a writer was killed before it wrote
the line. Data files need no line, because each row has checksums.

The list also names the pages of each removal. If the newest versions can't be read, an older one counts, and pages
that were removed since must not come back.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from maxsight.stores.local.durability import sync_file, sync_folder

COMMIT_LOG = "commits.log"
VERSIONS = "_versions"
LISTED = (f"{VERSIONS}/", "_deletions/", "_indices/")
"""Only files below these folders are listed."""
_NEWEST_FIRST = 2**64 - 1
"""A manifest's name is this number minus the version, so the newest sorts first."""
_CHECKSUM_DIGITS = 8
_CHUNK_BYTES = 2**20


@dataclass(frozen=True, slots=True)
class Listed:
    """A file as it was written.

    Attributes:
        size_bytes: Its size.
        checksum: The CRC-32 of its content.
    """

    size_bytes: int
    checksum: int


@dataclass(frozen=True, slots=True)
class Removal:
    """Pages that were removed.

    Attributes:
        version: The version of the dataset without them; None if they are still to be removed from the newest one.
        page_ids: Their ids.
    """

    version: int | None
    page_ids: tuple[str, ...]

    def missing_from(self, version: int) -> bool:
        """Return whether a version lacks this removal."""
        return self.version is None or self.version > version


@dataclass(slots=True)
class CommitLog:
    """The list of one dataset. Only the process that holds the writer's lock may change it.

    Attributes:
        folder: The dataset.
        files: Files by name, relative to the dataset.
        removals: Removals, oldest first.
    """

    folder: Path
    files: dict[str, Listed] = field(default_factory=dict)
    removals: list[Removal] = field(default_factory=list)

    @classmethod
    def read(cls, folder: Path) -> CommitLog:
        """Read the list of a dataset; an empty one where there is none."""
        log = cls(folder)
        try:
            lines = (folder / COMMIT_LOG).read_bytes().splitlines()
        except FileNotFoundError:
            return log
        for line in lines:
            text = line[_CHECKSUM_DIGITS + 1 :]
            if line[: _CHECKSUM_DIGITS + 1] != _prefix(text):
                continue
            fields = json.loads(text)
            if "file" in fields:
                log.files[fields["file"]] = Listed(fields["size_bytes"], fields["crc32"])
            elif (removal := Removal(fields["version"], tuple(fields["removed"]))) not in log.removals:
                log.removals.append(removal)
        return log

    def differs(self, name: str) -> bool:
        """Return whether a file is not what was written. A file without a line never differs."""
        listed = self.files.get(name)
        return listed is not None and listed != _look_at(self.folder / name)

    def removed_since(self, version: int) -> frozenset[str]:
        """Return the ids of pages that were removed in commits that a version lacks."""
        since = (removal.page_ids for removal in self.removals if removal.missing_from(version))
        return frozenset(page_id for page_ids in since for page_id in page_ids)

    def add(self, names: Iterable[str], removed: Removal | None = None) -> None:
        """Write lines for new files and a removal, and wait until they are on the disk."""
        new = (name for name in names if name.startswith(LISTED) and name not in self.files)
        looked = ((name, _look_at(self.folder / name)) for name in new)
        fresh = {name: listed for name, listed in looked if listed is not None}
        lines = [*map(_file_line, fresh, fresh.values()), *(_removal_lines(removed) if removed else [])]
        if lines:
            with open(self.folder / COMMIT_LOG, "ab") as file:
                if file.tell() and not _ends_a_line(self.folder / COMMIT_LOG):
                    file.write(b"\n")  # the last writer was killed in the middle of a line
                file.writelines(lines)
            sync_file(self.folder / COMMIT_LOG)
            self.files.update(fresh)

    def undo(self, newest: int) -> None:
        """Forget the versions after ``newest``, except what was removed in them: that is still to be done."""
        files = {name: listed for name, listed in self.files.items() if version_of(name) <= newest}
        self._write(files, self._removals(lambda of: of if of is not None and of <= newest else None))

    def redo(self, version: int) -> None:
        """Note that ``version`` was made without the pages that were still to be removed."""
        self._write(self.files, self._removals(lambda of: version if of is None else of))

    def prune(self) -> None:
        """Forget files that Lance has deleted, and removals that the oldest version has already."""
        files = {name: listed for name, listed in self.files.items() if (self.folder / name).exists()}
        oldest = min(filter(None, map(version_of, files)), default=0)
        self._write(files, [removal for removal in self.removals if removal.missing_from(oldest)])

    def _removals(self, change: Callable[[int | None], int | None]) -> list[Removal]:
        return [Removal(change(removal.version), removal.page_ids) for removal in self.removals]

    def _write(self, files: dict[str, Listed], removals: list[Removal]) -> None:
        """Replace the list as a whole, unless it would not change."""
        if (files, removals) == (self.files, self.removals):
            return
        new = self.folder / f"{COMMIT_LOG}.new"
        with open(new, "wb") as file:
            file.writelines(map(_file_line, files, files.values()))
            file.writelines(line for removal in removals for line in _removal_lines(removal))
        sync_file(new)
        os.replace(new, self.folder / COMMIT_LOG)
        sync_folder(self.folder)
        self.files, self.removals = files, removals


def manifest_name(version: int) -> str:
    """Return the name of a version's manifest, relative to the dataset."""
    return f"{VERSIONS}/{_NEWEST_FIRST - version:020}.manifest"


def version_of(name: str) -> int:
    """Return the version that a manifest is of; 0 for another file."""
    folder, _, file = name.rpartition("/")
    stem = file.removesuffix(".manifest")
    return _NEWEST_FIRST - int(stem) if folder == VERSIONS and stem.isdecimal() else 0


def _look_at(file: Path) -> Listed | None:
    """Return a file's size and checksum; None if there is no such file."""
    size_bytes = checksum = 0
    try:
        with file.open("rb") as stream:
            while chunk := stream.read(_CHUNK_BYTES):
                size_bytes, checksum = size_bytes + len(chunk), zlib.crc32(chunk, checksum)
    except FileNotFoundError:
        return None
    return Listed(size_bytes, checksum)


def _prefix(text: bytes) -> bytes:
    return b"%08x " % zlib.crc32(text)


def _file_line(name: str, listed: Listed) -> bytes:
    return _line({"file": name, "size_bytes": listed.size_bytes, "crc32": listed.checksum})


def _removal_lines(removal: Removal) -> list[bytes]:
    """Write a removal twice: unlike a checksum, it can't be found out again."""
    return [_line({"version": removal.version, "removed": removal.page_ids})] * 2


def _line(fields: dict[str, Any]) -> bytes:
    text = json.dumps(fields).encode()
    return _prefix(text) + text + b"\n"


def _ends_a_line(file: Path) -> bool:
    with file.open("rb") as stream:
        stream.seek(-1, os.SEEK_END)
        return stream.read() == b"\n"
