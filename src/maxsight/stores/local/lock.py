"""One writer at a time: a lock file beside the dataset that the system frees when its holder dies."""

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
HOLDER_FILE = "writer.json"  # beside the lock, not in it: Windows lets nobody read a locked file


class WriterLock:
    """The right to write to one library, for one object and all its threads.

    May be taken again while it is held, and by another thread: a generator that holds it may go on in whichever
    thread asks for its next item. What must not overlap between threads runs inside ``one_at_a_time``.
    """

    def __init__(self, library: Path, wait_s: float) -> None:
        """Take nothing yet.

        Args:
            library: Its folder.
            wait_s: How long to wait for another holder.
        """
        self._library = library
        self._wait_s = wait_s
        self._lock = FileLock(library / LOCK_FILE, thread_local=False)
        self._holder = library / HOLDER_FILE
        self._threads = threading.RLock()

    @contextmanager
    def hold(self, at_first: Callable[[], None] | None = None) -> Iterator[None]:
        """Hold the lock.

        Args:
            at_first: Called once the lock is taken, before any other thread may go on; not when it was held.

        Raises:
            LibraryBusyError: Another holder has it, with who that is.
            LibraryReadOnlyError: The folder can't be written to.
        """
        with self._threads:
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
            with self._threads:
                self._lock.release()

    @contextmanager
    def one_at_a_time(self) -> Iterator[None]:
        """Keep this object's other threads waiting."""
        with self._threads:
            yield

    def _acquire(self) -> None:
        with translated(self._library, writing=True):
            try:
                self._lock.acquire(timeout=self._wait_s)
            except Timeout as error:
                raise LibraryBusyError(
                    f"{self._library} is being written to by {self._who()}",
                    hint="Wait until it has finished, or stop it, and run the same command again.",
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
