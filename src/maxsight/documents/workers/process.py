"""One worker process, seen from its owner: ask, wait, kill."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from typing import BinaryIO, cast

from maxsight.documents.workers.frames import Frame, FrameError, read_frame, write_frame

# The worker gets this process's path, so it finds the same packages. It is started by -c, because -m would put the
# current folder, with any modules in it, first on the path.
_BOOTSTRAP = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from maxsight.documents.workers.worker import main; main()"
)

START_TIMEOUT_S = 60.0


class WorkerLostError(Exception):
    """The worker ended, sent something else than a frame, or took too long. It no longer runs."""

    def __init__(self, reason: str, *, timed_out: bool = False) -> None:
        super().__init__(reason)
        self.timed_out = timed_out


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

    def ask(self, request: Frame, *, timeout_s: float) -> Frame:
        """Send a request and wait for its answer.

        Raises:
            WorkerLostError: There was no answer; the worker has been killed.
        """
        try:
            write_frame(self._requests, request)
            reply = self._replies.get(timeout=timeout_s)
        except queue.Empty:
            self.kill()
            raise WorkerLostError(f"it took longer than {timeout_s:g} s", timed_out=True) from None
        except (OSError, ValueError):  # the pipe is closed
            reply = None
        if reply is None:
            self.kill()
            raise WorkerLostError(f"reading it crashed ({self._how_it_ended()})")
        return reply

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
