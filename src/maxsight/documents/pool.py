"""Reads documents in worker processes, ahead of whoever consumes them and in order.

A file may crash pdfium, loop for ever or eat all memory: that takes a worker down, the page it was at is
named, and everything else is read. Workers are plain subprocesses (no fork, no pickle, and no ``__main__``
guard needed).
"""

from __future__ import annotations

import contextlib
import os
import queue
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from PIL import Image

from maxsight.documents.base import ReadSettings
from maxsight.documents.frames import (
    Frame,
    FrameError,
    count_from_frame,
    error_from_frame,
    image_from_frame,
    page_from_frame,
    settings_to_fields,
)
from maxsight.documents.ocr import choose_engine
from maxsight.documents.process import WorkerLostError, WorkerProcess
from maxsight.errors import UnreadableDocumentError
from maxsight.types import Page

# Pages that may be read and not yet taken, beyond one per worker. Some hundred kilobytes each at most.
READ_AHEAD_PAGES = 32
# A file that takes this many workers down one after the other is given up.
MAX_LOST_IN_A_ROW = 3
MAX_DEFAULT_WORKERS = 4  # RapidOCR takes up to 0.9 GB in each


@dataclass(frozen=True, slots=True)
class ReadJob:
    """One file to read.

    Attributes:
        path: The file.
        page_indices: Which pages (0-based), in this order; None for all.
    """

    path: Path
    page_indices: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """A file could be opened; its pages follow."""

    job: ReadJob
    page_count: int


@dataclass(frozen=True, slots=True)
class PageRead:
    """A page was read."""

    job: ReadJob
    page: Page


@dataclass(frozen=True, slots=True)
class PageFailed:
    """A page could not be read; the others go on."""

    job: ReadJob
    page_index: int
    error: UnreadableDocumentError


@dataclass(frozen=True, slots=True)
class Failed:
    """The last event of a file that can't be read, or not any further."""

    job: ReadJob
    error: UnreadableDocumentError


@dataclass(frozen=True, slots=True)
class Done:
    """The last event of every other file."""

    job: ReadJob


Event = Opened | PageRead | PageFailed | Failed | Done


def default_workers() -> int:
    """One process per usable core, within reason: they wait for the encoder, unless OCR makes it wait for them."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, MAX_DEFAULT_WORKERS)


def read_documents(
    jobs: Iterable[ReadJob], settings: ReadSettings, *, workers: int | None = None
) -> Iterator[Event]:
    """Read files in worker processes.

    The events of one job come in page order, and jobs in the order given: `Opened`, then `PageRead` or
    `PageFailed` per page, then `Done`; or `Failed` as the last. Workers read ahead by a bounded number of
    pages, of this file and the next ones. Closing the iterator ends them at once.

    Args:
        jobs: Consumed as workers get free, in the caller's thread.
        settings: How to read.
        workers: Processes; `default_workers` unless given.

    Raises:
        InputError: Tesseract is asked for and not installed.
    """
    choose_engine(settings.ocr)
    count = default_workers() if workers is None else max(1, workers)
    return _read_in_order(iter(jobs), settings, count)


def render_page(path: Path, page_index: int, settings: ReadSettings) -> Image.Image:
    """Draw one page (0-based, RGB) in a worker process.

    Raises:
        UnreadableDocumentError: It can't be drawn.
    """
    pool = WorkerPool(settings, 1)
    try:
        reply = _wait(pool.submit("render", path, page_index))
    finally:
        pool.close()
    if isinstance(reply, UnreadableDocumentError):
        raise reply
    assert isinstance(reply, Image.Image)
    return reply


Reply = int | Page | Image.Image | UnreadableDocumentError


class LostPageError(UnreadableDocumentError):
    """The page took its worker down, by a crash or by taking too long."""


class WorkerPool:
    """Some worker processes, started when first needed, and the requests that wait for one."""

    def __init__(self, settings: ReadSettings, workers: int) -> None:
        self._settings = settings
        self._fields = settings_to_fields(settings)
        self._waiting: queue.SimpleQueue[tuple[Frame, Future[Reply]] | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._is_closed = False
        self._running: set[WorkerProcess] = set()
        self._threads = [threading.Thread(target=self._serve, daemon=True) for _ in range(workers)]
        for thread in self._threads:
            thread.start()

    def submit(self, ask: str, path: Path, page_index: int | None = None) -> Future[Reply]:
        """Ask a worker to ``count`` the pages of a file, or to ``read`` or ``render`` one of them."""
        fields = {"ask": ask, "path": str(path), "page_index": page_index, "settings": self._fields}
        future: Future[Reply] = Future()
        self._waiting.put((Frame(fields), future))
        return future

    @property
    def pids(self) -> list[int]:
        """Process ids of the running workers."""
        with self._lock:
            return [worker.pid for worker in self._running]

    def close(self) -> None:
        """End all workers at once; requests that are not answered yet never will be."""
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
        """Answer requests by one worker process, replaced when it is lost."""
        worker: WorkerProcess | None = None
        while not self._is_closed and (item := self._waiting.get()) is not None:
            request, future = item
            if not future.set_running_or_notify_cancel():
                continue
            try:
                worker, reply = self._answer(worker, request)
                future.set_result(reply)
            except Exception as error:  # a mistake in here must reach whoever waits
                future.set_exception(error)
        if worker is not None:
            self._dismiss(worker)

    def _answer(self, worker: WorkerProcess | None, request: Frame) -> tuple[WorkerProcess | None, Reply]:
        """Ask a worker, and a fresh one if it crashes: the page before may have damaged its memory."""
        is_fresh = worker is None
        try:
            worker = worker or self._hire()
            reply = worker.ask(request, timeout_s=self._settings.limits.page_timeout_s)
            return worker, _decode(request, reply)
        except (WorkerLostError, FrameError) as error:
            if worker is not None:
                self._dismiss(worker)
            timed_out = isinstance(error, WorkerLostError) and error.timed_out
            if not is_fresh and not timed_out and not self._is_closed:
                return self._answer(None, request)
            return None, _lost(request, str(error), timed_out=timed_out)

    def _hire(self) -> WorkerProcess:
        try:
            worker = WorkerProcess()
        except OSError as error:
            raise WorkerLostError(f"the process that reads files did not start ({error})") from error
        with self._lock:
            self._running.add(worker)
            is_closed = self._is_closed
        if is_closed:
            worker.kill()
        worker.wait_until_ready()
        return worker

    def _dismiss(self, worker: WorkerProcess) -> None:
        worker.kill()
        with self._lock:
            self._running.discard(worker)


def _decode(request: Frame, reply: Frame) -> Reply:
    """Take an answer apart.

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
            return page
        case _:
            return image_from_frame(reply)


def _lost(request: Frame, reason: str, *, timed_out: bool) -> LostPageError:
    page_index = request.fields["page_index"]
    hint = (
        "Raise the limit on seconds per page (--page-timeout)."
        if timed_out
        else "The file is probably damaged."
    )
    page_number = None if page_index is None else page_index + 1
    return LostPageError(Path(request.fields["path"]), reason, page_number=page_number, hint=hint)


class _Reading:
    """A job under way: its pages that wait for a worker, and those that wait to be taken."""

    def __init__(self, job: ReadJob, pool: WorkerPool) -> None:
        self._job = job
        self._pool = pool
        self._opening = pool.submit("count", job.path)
        self._todo: Iterator[int] | None = None  # None until the file is open
        self._started: deque[tuple[int, Future[Reply]]] = deque()

    @property
    def waiting(self) -> int:
        """Requests made and not taken."""
        return len(self._started) + (self._todo is None)

    def start(self, room: int) -> None:
        """Ask for up to ``room`` more pages, once the file is open."""
        if self._todo is None:
            if not self._opening.done():
                return
            reply = self._opening.result()
            page_count = reply if isinstance(reply, int) else 0
            self._todo = iter(range(page_count) if self._job.page_indices is None else self._job.page_indices)
        for page_index in islice(self._todo, max(0, room)):
            self._started.append((page_index, self._pool.submit("read", self._job.path, page_index)))

    def events(self, read_ahead: Callable[[], None]) -> Iterator[Event]:
        """Wait for each answer in turn; ``read_ahead`` is called before each wait."""
        opening = _wait(self._opening)
        if isinstance(opening, UnreadableDocumentError):
            yield Failed(self._job, opening)
            return
        assert isinstance(opening, int)
        yield Opened(self._job, opening)
        lost_in_a_row = 0
        while True:
            read_ahead()
            if not self._started:
                self.start(1)  # whatever the next files have taken of the room
            if not self._started:
                break
            page_index, future = self._started.popleft()
            reply = _wait(future)
            if isinstance(reply, Page):
                yield PageRead(self._job, reply)
            else:
                assert isinstance(reply, UnreadableDocumentError)
                yield PageFailed(self._job, page_index, reply)
            lost_in_a_row = lost_in_a_row + 1 if isinstance(reply, LostPageError) else 0
            if lost_in_a_row == MAX_LOST_IN_A_ROW:
                yield Failed(self._job, self._give_up(page_index))
                return
        yield Done(self._job)

    def _give_up(self, page_index: int) -> UnreadableDocumentError:
        for _, future in self._started:
            future.cancel()
        return UnreadableDocumentError(
            self._job.path,
            f"given up after page {page_index + 1}: {MAX_LOST_IN_A_ROW} pages in a row could not be read",
            hint="Open and save the file again with another program.",
        )


def _read_in_order(jobs: Iterator[ReadJob], settings: ReadSettings, workers: int) -> Iterator[Event]:
    pool = WorkerPool(settings, workers)
    limit = READ_AHEAD_PAGES + workers
    readings: deque[_Reading] = deque()

    def read_ahead() -> None:
        for reading in readings:
            reading.start(limit - sum(other.waiting for other in readings))
        while sum(reading.waiting for reading in readings) < limit and (job := next(jobs, None)) is not None:
            readings.append(_Reading(job, pool))

    try:
        read_ahead()
        while readings:
            yield from readings[0].events(read_ahead)
            readings.popleft()
            read_ahead()
    finally:
        pool.close()


def _wait(future: Future[Reply]) -> Reply:
    """Wait in short steps, so that Ctrl-C is heard on every platform."""
    while True:
        with contextlib.suppress(TimeoutError):
            return future.result(timeout=0.5)
