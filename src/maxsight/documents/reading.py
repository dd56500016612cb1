"""Reads documents in worker processes, ahead of whoever consumes them and in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from maxsight.documents.base import OcrChoice, ReadSettings
from maxsight.documents.ocr.choosing import choose_engine
from maxsight.documents.workers.pool import LostPageError, Reply, WorkerPool
from maxsight.errors import UnreadableDocumentError
from maxsight.pictures import PictureFit
from maxsight.threads import cpu_count, wait_for
from maxsight.types import Page

# Pages that may be read and not yet taken, beyond one per worker: so many, and fewer where their pictures would
# take more than so many bytes. A page without its picture takes some hundred kilobytes at most.
READ_AHEAD_PAGES = 32
READ_AHEAD_BYTES = 128 * 2**20
# A file that takes this many workers down one after the other is given up.
MAX_LOST_IN_A_ROW = 3
MAX_DEFAULT_WORKERS = 16
MAX_DEFAULT_OCR_WORKERS = 4  # RapidOCR takes up to 0.9 GB in each


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


def default_workers(settings: ReadSettings) -> int:
    """One process per usable core, within reason: they wait for the encoder, unless it has to wait for them.

    To draw a page and fit its picture takes some 50 ms: a fast GPU is kept busy by half a dozen of them.
    """
    most = MAX_DEFAULT_WORKERS if settings.ocr is OcrChoice.NONE else MAX_DEFAULT_OCR_WORKERS
    return min(cpu_count(), most)


def read_documents(
    jobs: Iterable[ReadJob], settings: ReadSettings, *, workers: int | None = None
) -> Generator[Event, None, None]:
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
    count = default_workers(settings) if workers is None else max(1, workers)
    return _read_in_order(iter(jobs), settings, count)


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
        wait_for(self._opening)
        opening = self._opening.result()
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
            wait_for(future)
            reply = future.result()
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
            hint="The same command again tries its other pages; or save the file anew with another program.",
        )


def _read_ahead_pages(picture: PictureFit | None) -> int:
    most = READ_AHEAD_PAGES if picture is None else READ_AHEAD_BYTES // picture.most_bytes
    return min(READ_AHEAD_PAGES, most)


def _read_in_order(
    jobs: Iterator[ReadJob], settings: ReadSettings, workers: int
) -> Generator[Event, None, None]:
    pool = WorkerPool(settings, workers)
    limit = _read_ahead_pages(settings.picture) + workers
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
