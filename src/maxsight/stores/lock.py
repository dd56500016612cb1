"""One writer at a time: a lock file beside the dataset that the system frees when its holder dies."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from maxsight.errors import LibraryBusyError
from maxsight.stores.edge import translated

LOCK_FILE = "writer.lock"
HOLDER_FILE = "writer.json"  # beside the lock, not in it: Windows lets nobody read a locked file


class WriterLock:
    """The right to write to one library. May be taken again by its holder."""

    def __init__(self, library: Path, wait_s: float) -> None:
        """Take nothing yet.

        Args:
            library: Its folder.
            wait_s: How long to wait for another holder.
        """
        self._library = library
        self._wait_s = wait_s
        self._lock = FileLock(library / LOCK_FILE)
        self._holder = library / HOLDER_FILE

    @property
    def held(self) -> bool:
        """Whether this object holds the lock."""
        return self._lock.is_locked

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Hold the lock.

        Raises:
            LibraryBusyError: Another process holds it, with who that is.
            LibraryReadOnlyError: The folder can't be written to.
        """
        with translated(self._library):
            try:
                self._lock.acquire(timeout=self._wait_s)
            except Timeout as error:
                raise LibraryBusyError(
                    f"{self._library} is being written to by {self._who()}",
                    hint="Wait until it has finished, or stop it, and run the same command again.",
                ) from error
        try:
            if self._lock.lock_counter == 1:
                with translated(self._library):
                    self._sign()
            yield
        finally:
            self._lock.release()

    def _sign(self) -> None:
        started_at = datetime.now(UTC).isoformat(timespec="seconds")
        text = json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "started_at": started_at})
        self._holder.write_text(text, encoding="utf-8")

    def _who(self) -> str:
        try:
            holder = json.loads(self._holder.read_text(encoding="utf-8"))
            return f"process {holder['pid']} on {holder['host']}, since {holder['started_at']}"
        except (OSError, ValueError, KeyError, TypeError):
            return "another process"
