"""One writer at a time in a bucket: an object that its holder renews, and that nobody else may replace meanwhile.

The object is made and renewed by conditional puts. It is no lock of the operating system, so it stays when its holder
is killed. Another writer that sees it unchanged for ``EXPIRES_S``, by its own clock, takes it over. A holder that finds
another object in its place stops writing.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from maxsight.errors import LibraryBusyError, MaxSightError
from maxsight.stores.bucket.objects import Objects, unconditional

LEASE = "writer.json"
RENEW_S, EXPIRES_S, POLL_S = 3.0, 15.0, 0.5


class Lease:
    """The right to write to one library, for one object and all its threads. See ``WriterLock``.

    Attributes:
        threads: Makes other threads of this object wait.
    """

    def __init__(self, objects: Objects, wait_s: float) -> None:
        """Prepare the lease without taking it.

        Args:
            objects: The library's bucket.
            wait_s: How long to wait for another holder that is alive.
        """
        self.threads = threading.RLock()
        self._objects = objects
        self._wait_s = wait_s
        self._holders = 0
        self._token = ""
        self._known: Mapping[str, Any] = {}
        self._ended = threading.Event()
        self._renewed_at = 0.0

    @contextmanager
    def hold(self, at_first: Callable[[], None] | None = None) -> Iterator[None]:
        """Hold the lease.

        Args:
            at_first: Called after the lease is taken; not if it was held already.

        Raises:
            LibraryBusyError: Another process has it, or has taken it because this one could not renew it.
            StoreError: The storage does not know conditional puts.
        """
        with self.threads:
            if not self._holders:
                with self._objects.translated(writing=True):
                    self._acquire()
                threading.Thread(target=self._renew, args=(self._ended,), daemon=True).start()
            elif time.monotonic() - self._renewed_at > EXPIRES_S:
                raise LibraryBusyError(
                    f"{self._objects.address} could not be held: the storage did not answer for {EXPIRES_S:.0f} s, "
                    "or another process writes",
                    hint="Run the same command again: what was reported before is stored.",
                )
            self._holders += 1
            try:
                if self._holders == 1 and at_first:
                    at_first()
            except BaseException:
                self._release()
                raise
        try:
            yield
        finally:
            with self.threads:
                self._release()

    def _acquire(self) -> None:
        self._token, self._ended = secrets.token_hex(8), threading.Event()
        made = self._objects.write_new(LEASE, self._content())
        if made is not None and self._objects.write_new(LEASE, self._content()) is not None:
            raise unconditional(str(self._objects.address))  # the object stays: another writer may hold it
        self._known = made or self._wait()
        self._renewed_at = time.monotonic()

    def _wait(self) -> Mapping[str, Any]:
        """Wait until the lease is free, or its holder has not renewed it for long."""
        start = seen_at = time.monotonic()
        seen: Mapping[str, Any] | None = None
        while True:
            found = self._objects.read_versioned(LEASE)
            if found is None:
                if (made := self._objects.write_new(LEASE, self._content())) is not None:
                    return made
                continue
            content, known = found
            now = time.monotonic()
            if known != seen:
                is_alive = seen is not None
                seen, seen_at = known, now
                if is_alive and now - start > self._wait_s:
                    raise LibraryBusyError(
                        f"{self._objects.address} is being written to by {_who(content)}",
                        hint="Wait until it has finished, or stop it. Then run the same command again.",
                    )
            elif now - seen_at > EXPIRES_S and (
                taken := self._objects.write_over(LEASE, self._content(), known)
            ):
                return taken
            time.sleep(POLL_S)

    def _renew(self, ended: threading.Event) -> None:
        while not ended.wait(RENEW_S):
            try:
                with self._objects.translated(writing=True):
                    renewed = self._objects.write_over(LEASE, self._content(), self._known)
                    if renewed is None:  # a put that was tried twice may have met its own first try
                        found = self._objects.read_versioned(LEASE)
                        if found is None or json.loads(found[0]).get("token") != self._token:
                            self._renewed_at = -EXPIRES_S  # lost
                            return
                        renewed = found[1]
            except MaxSightError:
                continue  # tried again; what is written waits for nothing
            self._known, self._renewed_at = renewed, time.monotonic()

    def _release(self) -> None:
        self._holders -= 1
        if self._holders:
            return
        self._ended.set()
        with self._objects.translated(writing=True):
            found = self._objects.read(LEASE)
            if found is not None and json.loads(found).get("token") == self._token:
                self._objects.delete([LEASE])

    def _content(self) -> bytes:
        """Write who holds the lease. Each time is another one, and so is the object's ETag."""
        holder = {
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "token": self._token,
            "renewed_at": datetime.now(UTC).isoformat(),
        }
        return json.dumps(holder).encode()


def _who(content: bytes) -> str:
    try:
        holder = json.loads(content)
        return f"process {holder['pid']} on {holder['host']}, renewed at {holder['renewed_at']}"
    except (ValueError, KeyError, TypeError):
        return "another process"
