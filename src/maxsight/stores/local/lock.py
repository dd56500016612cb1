"""One writer at a time: the system frees this lock file when its holder dies."""

from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from maxsight.errors import LibraryBusyError
from maxsight.stores.local.lance_errors import translated

LOCK_FILE = "writer.lock"
HOLDER_FILE = "writer.json"  # a second file, because Windows does not let others read a locked file


class WriterLock:
    """The right to write to one library, for one object and all its threads.

    It can be taken again while it is held, also by another thread: a generator that holds it may go on in another
    thread. What must not overlap between threads also holds ``threads``.

    Attributes:
        threads: Makes other threads of this object wait.
    """

    def __init__(self, library: Path, wait_s: float) -> None:
        """Prepare the lock without taking it.

        Args:
            library: The library's folder.
            wait_s: How long to wait for another holder.
        """
        self._library = library
        self._wait_s = wait_s
        self._lock = FileLock(library / LOCK_FILE, thread_local=False)
        self._holder = library / HOLDER_FILE
        self.threads = threading.RLock()

    @contextmanager
    def hold(self, at_first: Callable[[], None] | None = None) -> Iterator[None]:
        """Hold the lock.

        Args:
            at_first: Called after the lock is taken, before other threads go on; not if it was held already.

        Raises:
            LibraryBusyError: Another process has it; the message says which.
            LibraryReadOnlyError: The folder can't be written to.
        """
        with self.threads:
            self._acquire()
            try:
                if self._lock.lock_counter == 1:
                    self._sign()
                    if at_first:
                        at_first()
            except BaseException:
                self._lock.release()
                raise
        try:
            yield
        finally:
            with self.threads:
                self._lock.release()

    def _acquire(self) -> None:
        with translated(self._library, writing=True):
            try:
                self._lock.acquire(timeout=self._wait_s)
            except Timeout as error:
                raise LibraryBusyError(
                    f"{self._library} is being written to by {self._who()}",
                    hint="Wait until it has finished, or stop it. Then run the same command again.",
                ) from error

    def _sign(self) -> None:
        started_at = datetime.now(UTC).isoformat(timespec="seconds")
        text = json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "started_at": started_at})
        with translated(self._library, writing=True):
            self._holder.write_text(text, encoding="utf-8")

    def _who(self) -> str:
        try:
            holder = json.loads(self._holder.read_text(encoding="utf-8"))
            return f"process {holder['pid']} on {holder['host']}, since {holder['started_at']}"
        except (OSError, ValueError, KeyError, TypeError):
            return "another process"
