"""Indexing jobs: done one after the other in a thread of their own, followed and cancelled from the event loop.

A job that has not ended when the server does is taken up again by the next one.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import sys
import threading
from collections import OrderedDict
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from maxsight.documents import Limits
from maxsight.errors import LibraryBusyError, MaxSightError
from maxsight.identity import document_id, document_path
from maxsight.indexing import Indexed, IndexEvent, Noticed, NotIndexed, Progress, Skipped
from maxsight.library import Library
from maxsight.server import schemas
from maxsight.server.metrics import Metrics
from maxsight.server.problems import RefusedError, problem_of
from maxsight.server.schemas import FileState, JobFile, JobState
from maxsight.server.uploads import Received, UploadFolder

logger = logging.getLogger(__name__)

KEPT_JOBS = 100
BUSY_WAIT_S = 2.0
MOST_EVENTS_PER_S = 10
NICENESS = 10
_ENDED = (JobState.DONE, JobState.CANCELLED, JobState.FAILED)


class Job:
    """Files on their way into the library. Read and changed by any thread."""

    def __init__(
        self, job_id: str, files: Sequence[Path], refused: Sequence[Received], home: Path | None
    ) -> None:
        """Wait for one's turn.

        Args:
            job_id: Its name.
            files: What is to be indexed.
            refused: What came along and is not.
            home: What documents' paths are relative to.
        """
        self.job_id = job_id
        self.files = list(files)
        self.cancelled = threading.Event()
        self._home = home
        self._lock = threading.Lock()
        self._watchers: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = set()
        self._rows = {document_path(file, home): self._row(file) for file in files}
        self._job = schemas.Job(
            job_id=job_id,
            state=JobState.QUEUED,
            share=0.0,
            pages=0,
            pages_per_s=0.0,
            remaining_s=None,
            files=[*self._rows.values(), *map(_refused_row, refused)],
            notices=[],
            created_at=datetime.now(UTC),
            started_at=None,
            finished_at=None,
            error=None,
            links={"self": f"/v1/jobs/{job_id}", "events": f"/v1/jobs/{job_id}/events"},
        )

    @property
    def paths(self) -> frozenset[str]:
        """The documents that its files are, or will be."""
        return frozenset(self._rows)

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will happen."""
        return self._job.state in _ENDED

    def snapshot(self) -> schemas.Job:
        """The job as it is now."""
        with self._lock:
            return self._job.model_copy(deep=True)

    async def snapshots(self) -> AsyncIterator[schemas.Job]:
        """The job as it is now, and again whenever it has changed, until it ends.

        Whoever is slow to ask gets fewer, never older ones.
        """
        changed = asyncio.Event()
        watcher = (asyncio.get_running_loop(), changed)
        with self._lock:
            self._watchers.add(watcher)
        try:
            while True:
                changed.clear()
                now = self.snapshot()
                yield now
                if now.state in _ENDED:
                    return
                await changed.wait()
                await asyncio.sleep(1 / MOST_EVENTS_PER_S)
        finally:
            with self._lock:
                self._watchers.discard(watcher)

    def begin(self) -> None:
        """Its turn has come."""
        with self._lock:
            self._job.state, self._job.started_at = JobState.RUNNING, datetime.now(UTC)
        self._tell()

    def note(self, event: IndexEvent) -> None:
        """Take in a step of the run."""
        with self._lock:
            match event:
                case Progress():
                    self._job.share, self._job.pages = event.share, event.pages
                    self._job.pages_per_s, self._job.remaining_s = event.pages_per_s, event.remaining_s
                case Indexed() if row := self._rows.get(event.path):
                    row.state, row.pages = FileState.INDEXED, event.pages
                case Skipped() if row := self._rows.get(event.path):
                    row.state = FileState.UNCHANGED
                case NotIndexed() if row := self._rows.get(document_path(Path(event.path), self._home)):
                    _note_failure(row, event)
                case Noticed() if event.message not in self._job.notices:
                    self._job.notices.append(event.message)
        self._tell()

    def end(self, state: JobState, error: MaxSightError | None = None) -> None:
        """Nothing more will happen."""
        with self._lock:
            self._job.state, self._job.finished_at = state, datetime.now(UTC)
            self._job.remaining_s = None
            if state is JobState.DONE:
                self._job.share = 1.0
                for row in self._rows.values():
                    if row.state is FileState.WAITING:
                        row.state, row.reason = FileState.SKIPPED, "none of its pages could be read"
            if error is not None:
                self._job.error = problem_of(error)
        self._tell()

    def _row(self, file: Path) -> JobFile:
        return JobFile(file=file.name, document_id=document_id(document_path(file, self._home)))

    def _tell(self) -> None:
        with self._lock:
            watchers = list(self._watchers)
        for loop, changed in watchers:
            with suppress(RuntimeError):  # the loop has ended, and whoever watched with it
                loop.call_soon_threadsafe(changed.set)


class JobQueue:
    """Does jobs one after the other, and remembers them for a while."""

    def __init__(
        self, library: Library, uploads: UploadFolder, reading: Limits, most_waiting: int, metrics: Metrics
    ) -> None:
        """Start idle.

        Args:
            library: Open for writing.
            uploads: Where the files are kept.
            reading: What a file may cost.
            most_waiting: Jobs that may wait or run; more are refused.
            metrics: Told of what is done.
        """
        self._library = library
        self._uploads = uploads
        self._reading = reading
        self._most_waiting = most_waiting
        self._metrics = metrics
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._thread = ThreadPoolExecutor(1, "indexing", initializer=_step_back)
        self._stopping = threading.Event()

    def resume(self) -> None:
        """Take up the jobs that a server before this one has not ended."""
        self._uploads.sweep()
        for job_id, files in self._uploads.unfinished(self._library.name).items():
            self._submit(Job(job_id, files, (), self._library.home))

    def check_room(self) -> None:
        """Refuse what could not be done soon.

        Raises:
            RefusedError: Too many jobs wait already.
        """
        waiting = sum(not job.has_ended for job in self._jobs.values())
        if waiting >= self._most_waiting:
            raise RefusedError(
                503,
                "too-busy",
                f"{waiting} jobs wait already",
                "Wait until some are done.",
                headers={"Retry-After": "30"},
            )

    def add(self, files: Sequence[Path], refused: Sequence[Received] = ()) -> Job:
        """Have files indexed."""
        job = Job(secrets.token_hex(16), files, refused, self._library.home)
        self._uploads.begin(job.job_id, self._library.name, files)
        self._submit(job)
        return job

    def get(self, job_id: str) -> Job:
        """Find a job.

        Raises:
            RefusedError: There is none with this id.
        """
        try:
            return self._jobs[job_id]
        except KeyError:
            raise RefusedError(
                404, "unknown-job", f"there is no job {job_id!r}", "GET /v1/jobs lists them."
            ) from None

    def all(self) -> list[Job]:
        """All jobs that are remembered, newest first."""
        return list(reversed(self._jobs.values()))

    def is_busy_with(self, path: str, *, besides: Job | None = None) -> bool:
        """Whether a job that has not ended is about a document."""
        jobs = list(self._jobs.values())
        return any(path in job.paths and not job.has_ended and job is not besides for job in jobs)

    def close(self) -> None:
        """Stop at the next step; what is encoded is committed, the rest is left to the next server."""
        self._stopping.set()
        self._thread.shutdown(cancel_futures=True)

    def _submit(self, job: Job) -> None:
        for job_id in [job_id for job_id, old in self._jobs.items() if old.has_ended]:
            if len(self._jobs) < KEPT_JOBS:
                break
            del self._jobs[job_id]
        self._jobs[job.job_id] = job
        self._metrics.jobs_waiting.inc()
        self._thread.submit(self._do, job)

    def _do(self, job: Job) -> None:
        state, error = JobState.FAILED, None
        try:
            state = self._index(job)
        except MaxSightError as raised:
            error = raised
        except Exception:
            logger.exception("job %s failed", job.job_id)
            error = MaxSightError("the server made a mistake", hint="Its log has more; please report it.")
        if state is JobState.QUEUED:  # the server stops
            return
        try:
            self._drop_what_is_not_indexed(job)
            self._uploads.end(job.job_id)
        except (OSError, MaxSightError):
            logger.exception("files of job %s could not be looked after", job.job_id)
        self._metrics.jobs_waiting.dec()
        self._metrics.jobs.labels(state.value).inc()
        job.end(state, error)

    def _index(self, job: Job) -> JobState:
        """Index a job's files. Another process that is writing is waited for."""
        settings = replace(self._library.settings, limits=self._reading)
        while not (job.cancelled.is_set() or self._stopping.is_set()):
            job.begin()
            try:
                with closing(self._library.indexing(job.files, settings=settings)) as events:
                    for event in events:
                        job.note(event)
                        if isinstance(event, Indexed):
                            self._metrics.pages_indexed.inc(event.pages)
                        if job.cancelled.is_set() or self._stopping.is_set():
                            break
                    else:
                        return JobState.DONE
            except LibraryBusyError as error:
                job.note(Noticed(str(error)))
                job.cancelled.wait(BUSY_WAIT_S)
        return JobState.CANCELLED if job.cancelled.is_set() else JobState.QUEUED

    def _drop_what_is_not_indexed(self, job: Job) -> None:
        known = {entry.document.path for entry in self._library.documents()}
        for file in job.files:
            path = document_path(file, self._library.home)
            if path not in known and not self.is_busy_with(path, besides=job):
                self._uploads.remove(file)


def _refused_row(received: Received) -> JobFile:
    assert received.refused is not None
    error = received.refused
    return JobFile(file=received.name, state=FileState.SKIPPED, reason=error.reason, hint=error.hint)


def _note_failure(row: JobFile, event: NotIndexed) -> None:
    if event.page_number is None:
        row.state, row.reason, row.hint = FileState.SKIPPED, event.reason, event.hint
    else:
        row.problems.append(
            schemas.PageProblem(page_number=event.page_number, reason=event.reason, hint=event.hint)
        )


def _step_back() -> None:
    """Let searches go first. On Linux a thread has a niceness of its own, which those it starts inherit."""
    if sys.platform == "linux":
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
