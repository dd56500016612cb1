"""Put files and folders on the disk, so that they outlast a power cut."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path

if sys.platform == "darwin":
    import fcntl


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
