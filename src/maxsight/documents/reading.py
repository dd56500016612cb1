"""Reads documents in worker processes, in order, and some pages ahead of the caller."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future
from contextlib import closing
from itertools import islice

from maxsight.documents.base import OcrChoice, ReadSettings
from maxsight.documents.events import Changed, Done, Event, Failed, Opened, PageFailed, PageRead, ReadJob
from maxsight.documents.ocr.choosing import check_ocr
from maxsight.documents.ocr.languages import LANGUAGES_HINT, languages_notice
from maxsight.documents.workers.pool import LostPageError, Reply, WorkerPool
from maxsight.errors import UnreadableDocumentError
from maxsight.notices import Notices
from maxsight.threads import cpu_count, wait_for
from maxsight.types import Page, TextSource

# Bounds on the pages that are read ahead, beyond one per worker. Without its picture a page takes some hundred
# kilobytes at most.
READ_AHEAD_PAGES = 32
READ_AHEAD_BYTES = 128 * 2**20
# A file is given up after it took this many workers down one after the other.
MAX_LOST_IN_A_ROW = 3
# So many pages in a row that fail for the same reason are reported one by one. A small file can claim thousands.
MAX_FAILURES_ALIKE = 8
MAX_DEFAULT_WORKERS = 16
MAX_DEFAULT_OCR_WORKERS = 4  # RapidOCR takes up to 0.9 GB in each


def default_workers(settings: ReadSettings) -> int:
    """Choose how many processes read: one per usable core, within bounds.

    Drawing a page and fitting its picture takes some 50 ms, so a fast GPU needs half a dozen processes.
    """
    most = MAX_DEFAULT_WORKERS if settings.ocr is OcrChoice.NEVER else MAX_DEFAULT_OCR_WORKERS
    return min(cpu_count(), most)


def read_documents(
    jobs: Iterable[ReadJob],
    settings: ReadSettings,
    *,
    workers: int | None = None,
    notices: Notices | None = None,
) -> Generator[Event, None, None]:
    """Read files in worker processes.

    Jobs come in the order given, and the events of one job in page order: `Opened`, then `PageRead` or `PageFailed`
    per page, then `Done`, `Changed` or `Failed`. Workers read a bounded number of pages ahead, of this file and the
    next ones. Closing the iterator ends them at once.

    Args:
        jobs: Consumed as workers get free, in the caller's thread.
        settings: How to read.
        workers: Processes; `default_workers` unless given.
        notices: Collects what the user should know of each document, by the job's name.

    Raises:
        InputError: Tesseract, or a language of it, is asked for and not installed.
    """
    check_ocr(settings)
    count = default_workers(settings) if workers is None else max(1, workers)
    events = _read_in_order(iter(jobs), settings, count)
    return events if notices is None else _noticed(events, settings, notices)


def _noticed(
    events: Generator[Event, None, None], settings: ReadSettings, notices: Notices
) -> Generator[Event, None, None]:
    with closing(events):
        for event in events:
            name = event.job.name
            match event:
                case PageRead(page=page):
                    notices.read(name, page.text)
                    for part in page.unread:
                        notices.add(name, part)
                    if (
                        page.text_source is TextSource.TESSERACT
                        and not settings.ocr_languages
                        and (message := languages_notice())
                    ):
                        notices.add(name, message, LANGUAGES_HINT)
                case Failed() | Done():
                    notices.end(name)
                case Changed():
                    notices.forget(name)
            yield event


class _Reading:
    """A job in progress: its pages that wait for a worker, and those that were read and wait for the caller."""

    def __init__(self, job: ReadJob, pool: WorkerPool) -> None:
        self._job = job
        self._pool = pool
        self._opening = pool.submit("count", job.path)
        self._todo: Iterator[int] | None = None  # None until the file is open
        self._started: deque[tuple[int, Future[Reply]]] = deque()

    @property
    def waiting(self) -> int:
        """Requests whose answers the caller has not taken."""
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
        """Wait for each answer in turn, and call ``read_ahead`` before each wait."""
        wait_for(self._opening)
        opening = self._opening.result()
        if isinstance(opening, UnreadableDocumentError):
            yield Failed(self._job, opening)
            return
        assert isinstance(opening, int)
        yield Opened(self._job, opening)
        lost_in_a_row = 0
        alike: list[UnreadableDocumentError] = []
        while True:
            read_ahead()
            if not self._started:
                self.start(1)  # even where the next files have used up the read-ahead
            if not self._started:
                break
            page_index, future = self._started.popleft()
            wait_for(future)
            reply = future.result()
            if isinstance(reply, Page):
                yield from self._failures(alike)
                yield PageRead(self._job, reply)
            else:
                assert isinstance(reply, UnreadableDocumentError)
                if alike and (alike[0].reason, alike[0].hint) != (reply.reason, reply.hint):
                    yield from self._failures(alike)
                alike.append(reply)
            lost_in_a_row = lost_in_a_row + 1 if isinstance(reply, LostPageError) else 0
            if lost_in_a_row == MAX_LOST_IN_A_ROW:
                yield from self._failures(alike)
                yield Failed(self._job, self._give_up(page_index))
                return
        yield from self._failures(alike)
        yield self._end()

    def _failures(self, alike: list[UnreadableDocumentError]) -> Iterator[PageFailed]:
        """Report pages in a row that failed for the same reason: a few one by one, many as one. Empty the list."""
        first = alike[0] if alike else None
        if first is not None and len(alike) > MAX_FAILURES_ALIKE:
            pages = f"{len(alike):,} pages in a row, to page {alike[-1].page_number}"
            reason = f"{first.reason} ({pages})"
            alike[:] = [
                UnreadableDocumentError(
                    self._job.path, reason, page_number=first.page_number, hint=first.hint
                )
            ]
        yield from (PageFailed(self._job, error) for error in alike)
        alike.clear()

    def _end(self) -> Changed | Done:
        path, state = self._job.path, self._job.state
        if state is None or state.is_of(path):
            return Done(self._job)
        hint = "Try again when no program writes to it."
        return Changed(self._job, UnreadableDocumentError(path, "changed while it was being read", hint=hint))

    def _give_up(self, page_index: int) -> UnreadableDocumentError:
        for _, future in self._started:
            future.cancel()
        return UnreadableDocumentError(
            self._job.path,
            f"given up after page {page_index + 1}: {MAX_LOST_IN_A_ROW} pages in a row could not be read",
            hint="The same command again tries its other pages; or save the file again with another program.",
        )


def _read_in_order(
    jobs: Iterator[ReadJob], settings: ReadSettings, workers: int
) -> Generator[Event, None, None]:
    pool = WorkerPool(settings, workers)
    limit = READ_AHEAD_PAGES
    if settings.picture is not None:
        limit = min(limit, READ_AHEAD_BYTES // settings.picture.max_bytes)
    limit += workers
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
