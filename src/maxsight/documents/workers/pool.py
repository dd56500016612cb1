"""Worker processes and the requests that wait for one.

A file may crash pdfium, loop for ever or use up memory. Then one worker ends, and the answer to its request says
so. Workers are plain subprocesses, without fork, pickle or a ``__main__`` guard.
"""

from __future__ import annotations

import queue
import threading
from concurrent.futures import Future
from dataclasses import asdict
from pathlib import Path

from PIL import Image

from maxsight.documents.base import ReadSettings
from maxsight.documents.workers.frames import (
    Frame,
    FrameError,
    count_from_frame,
    error_from_frame,
    image_from_frame,
    page_from_frame,
)
from maxsight.documents.workers.process import WorkerLostError, WorkerProcess
from maxsight.errors import UnreadableDocumentError
from maxsight.types import Page

Reply = int | Page | Image.Image | UnreadableDocumentError


class LostPageError(UnreadableDocumentError):
    """The page ended its worker, by a crash or by taking too long."""


class WorkerPool:
    """Worker processes, started when first needed, and the requests that wait for one."""

    def __init__(self, settings: ReadSettings, workers: int) -> None:
        self._settings = settings
        self._fields = asdict(settings)
        self._waiting: queue.SimpleQueue[tuple[Frame, Future[Reply]] | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._is_closed = False
        self._running: set[WorkerProcess] = set()
        self._threads = [threading.Thread(target=self._serve, daemon=True) for _ in range(workers)]
        for thread in self._threads:
            thread.start()

    def submit(
        self, ask: str, path: Path, page_index: int | None = None, settings: ReadSettings | None = None
    ) -> Future[Reply]:
        """Ask a worker to ``count`` the pages of a file, or to ``read`` or ``render`` one of them.

        Other settings than the pool's may be given. The time limit of a page is always the pool's.
        """
        given = self._fields if settings is None else asdict(settings)
        fields = {"ask": ask, "path": str(path), "page_index": page_index, "settings": given}
        future: Future[Reply] = Future()
        self._waiting.put((Frame(fields), future))
        return future

    @property
    def pids(self) -> list[int]:
        """Ids of the running processes."""
        with self._lock:
            return [worker.pid for worker in self._running]

    def close(self) -> None:
        """End all workers at once. Requests without an answer never get one."""
        with self._lock:
            self._is_closed = True
            running = list(self._running)
        for _ in self._threads:
            self._waiting.put(None)
        for worker in running:
            worker.kill()
        for thread in self._threads:
            thread.join()

    def _serve(self) -> None:
        """Answer requests by one worker process, and replace it when it is lost."""
        worker: WorkerProcess | None = None
        while not self._is_closed and (item := self._waiting.get()) is not None:
            request, future = item
            if not future.set_running_or_notify_cancel():
                continue
            try:
                worker, reply = self._answer(worker, request)
                future.set_result(reply)
            except Exception as error:  # The caller waits for this future, so it must get every error.
                future.set_exception(error)
        if worker is not None:
            self._end_worker(worker)

    def _answer(self, worker: WorkerProcess | None, request: Frame) -> tuple[WorkerProcess | None, Reply]:
        """Ask a worker. If it crashes, ask a new one, as an earlier page may have damaged its memory."""
        is_new = worker is None
        try:
            worker = worker or self._start_worker()
            reply = worker.ask(request, self._settings.limits)
            return worker, _decode(request, reply)
        except (WorkerLostError, FrameError) as error:
            if worker is not None:
                self._end_worker(worker)
            known = error if isinstance(error, WorkerLostError) else WorkerLostError(str(error))
            if not is_new and not known.is_over_limit and not self._is_closed:
                return self._answer(None, request)
            return None, _lost(request, known)

    def _start_worker(self) -> WorkerProcess:
        try:
            worker = WorkerProcess()
        except OSError as error:
            raise WorkerLostError(f"the process that reads files did not start ({error})") from error
        with self._lock:
            self._running.add(worker)
            is_closed = self._is_closed
        try:
            if is_closed:
                worker.kill()
            worker.wait_until_ready()
        except WorkerLostError:
            self._end_worker(worker)
            raise
        return worker

    def _end_worker(self, worker: WorkerProcess) -> None:
        worker.kill()
        with self._lock:
            self._running.discard(worker)


def _decode(request: Frame, reply: Frame) -> Reply:
    """Read an answer.

    Raises:
        FrameError: It is not an answer to this request.
    """
    if "error" in reply.fields:
        return error_from_frame(reply)
    match request.fields["ask"]:
        case "count":
            return count_from_frame(reply)
        case "read":
            page = page_from_frame(reply)
            if page.page_index != request.fields["page_index"]:
                raise FrameError(f"page {page.page_index} was not asked for")
            if (page.picture is None) != (request.fields["settings"]["picture"] is None):
                raise FrameError(f"page {page.page_index} came with another picture than was asked for")
            return page
        case _:
            return image_from_frame(reply)


def _lost(request: Frame, error: WorkerLostError) -> LostPageError:
    page_index = request.fields["page_index"]
    page_number = None if page_index is None else page_index + 1
    hint = error.hint or "The file is probably damaged."
    return LostPageError(Path(request.fields["path"]), str(error), page_number=page_number, hint=hint)
