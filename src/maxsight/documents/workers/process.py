"""One worker process, seen from its owner: ask, wait, kill."""

from __future__ import annotations

import contextlib
import json
import mmap
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import BinaryIO, cast

from maxsight.documents.base import Limits
from maxsight.documents.workers.frames import Frame, FrameError, read_frame, write_frame

# The worker gets this process's path, so it finds the same packages. It is started by -c, because -m would put the
# current folder, with any modules in it, first on the path.
_BOOTSTRAP = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from maxsight.documents.workers.worker import main; main()"
)

START_TIMEOUT_S = 60.0
MEMORY_CHECKS_PER_S = 20
MORE_TIME = "Raise the limit on seconds per page (--page-timeout)."


class WorkerLostError(Exception):
    """The worker ended, sent something else than a frame, or needed too much. It no longer runs.

    Attributes:
        hint: What the user can do.
        is_over_limit: Whether it was ended because the page needed more time or memory than it may.
    """

    def __init__(self, reason: str, hint: str | None = None, *, is_over_limit: bool = False) -> None:
        super().__init__(reason)
        self.hint = hint
        self.is_over_limit = is_over_limit


class WorkerProcess:
    """A running worker. Only `kill` may be called while another thread uses it."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", _BOOTSTRAP, json.dumps(sys.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            # Ctrl-C in the terminal reaches only the owner, which decides what to do.
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._requests = cast(BinaryIO, self._process.stdin)
        self._replies: queue.SimpleQueue[Frame | None] = queue.SimpleQueue()
        replies = cast(BinaryIO, self._process.stdout)
        self._listener = threading.Thread(target=self._listen, args=(replies,), daemon=True)
        self._listener.start()

    def wait_until_ready(self) -> None:
        """Wait until it has loaded its modules, so that their time does not count for a page.

        Raises:
            WorkerLostError: It could not start.
        """
        try:
            reply = self._replies.get(timeout=START_TIMEOUT_S)
        except queue.Empty:
            reply = None
        if reply is None:
            self.kill()
            raise WorkerLostError(f"the process that reads files did not start ({self._how_it_ended()})")

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def ask(self, request: Frame, limits: Limits) -> Frame:
        """Send a request and wait for its answer, within the limits on time and memory.

        Raises:
            WorkerLostError: There was no answer; the worker has been killed.
        """
        try:
            write_frame(self._requests, request)
            reply = self._wait(limits)
        except (OSError, ValueError):  # the pipe is closed
            reply = None
        if reply is None:
            self.kill()
            if sys.platform != "win32" and self._process.returncode == -signal.SIGXCPU:
                raise WorkerLostError("it takes too much processor time", MORE_TIME, is_over_limit=True)
            raise WorkerLostError(f"reading it crashed ({self._how_it_ended()})")
        return reply

    def _wait(self, limits: Limits) -> Frame | None:
        until = time.monotonic() + limits.page_timeout_s
        while (left_s := until - time.monotonic()) > 0:
            try:
                return self._replies.get(timeout=min(left_s, 1 / MEMORY_CHECKS_PER_S))
            except queue.Empty:
                if memory_bytes(self._process.pid) > limits.max_memory_bytes:
                    self.kill()
                    raise WorkerLostError(
                        f"it needs more than {limits.max_memory_bytes:,} bytes of memory",
                        "Raise the limit on memory (--max-memory) if you trust the file.",
                        is_over_limit=True,
                    ) from None
        self.kill()
        raise WorkerLostError(
            f"it took longer than {limits.page_timeout_s:g} s",
            MORE_TIME,
            is_over_limit=True,
        )

    def kill(self) -> None:
        """End the worker at once, and an OCR program it may be running."""
        with contextlib.suppress(OSError):
            if sys.platform != "win32" and self._process.returncode is None:
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.kill()
        self._process.wait()
        with contextlib.suppress(OSError):
            self._requests.close()
        if threading.current_thread() is not self._listener:
            self._listener.join()

    def _listen(self, stream: BinaryIO) -> None:
        with stream, contextlib.suppress(FrameError, OSError, ValueError, MemoryError):
            while (frame := read_frame(stream)) is not None:
                self._replies.put(frame)
        self._replies.put(None)

    def _how_it_ended(self) -> str:
        code = self._process.returncode
        if code is None or code >= 0:
            return f"exit code {code}"
        try:
            return signal.Signals(-code).name
        except ValueError:
            return f"signal {-code}"


def memory_bytes(pid: int) -> int:
    """Count the memory that a process and its children have for themselves; 0 where the system does not say.

    Files that are mapped into memory do not count.
    """
    try:
        resident, shared = map(int, Path(f"/proc/{pid}/statm").read_text().split()[1:3])
        tasks = Path(f"/proc/{pid}/task").iterdir()
        children = [int(child) for task in tasks for child in (task / "children").read_text().split()]
    except (OSError, ValueError):  # it has ended, or this is no Linux
        return 0
    return (resident - shared) * mmap.PAGESIZE + sum(map(memory_bytes, children))
