"""Indexing jobs, done one after the other in a thread of their own.

A job that has not ended when the server does is taken up again by the next one.
"""

from __future__ import annotations

import logging
import os
import secrets
import sys
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import replace

from maxsight import Library
from maxsight.documents import Limits
from maxsight.errors import LibraryBusyError, MaxSightError
from maxsight.identity import document_path
from maxsight.indexing import Indexed, Judges, Noticed, PageJudge, judges_of
from maxsight.server.jobs import Job
from maxsight.server.metrics import Metrics
from maxsight.server.problems import RefusedError
from maxsight.server.schemas import JobState
from maxsight.server.uploads import Received, UploadFolder

logger = logging.getLogger(__name__)

KEPT_JOBS = 100
BUSY_WAIT_S = 2.0
NICENESS = 10


class JobQueue:
    """Does jobs one after the other, and remembers them for a while."""

    def __init__(
        self,
        library: Library,
        uploads: UploadFolder,
        judges: Judges,
        *,
        reading: Limits,
        most_waiting: int,
        metrics: Metrics,
    ) -> None:
        """Start idle.

        Args:
            library: Open for writing.
            uploads: Where the files are kept.
            judges: Those of their pages.
            reading: What a file may cost.
            most_waiting: Jobs that may wait or run; more are refused.
            metrics: Told of what is done.
        """
        self._library = library
        self._uploads = uploads
        self._judges = judges
        self._reading = reading
        self._most_waiting = most_waiting
        self._metrics = metrics
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._thread = ThreadPoolExecutor(1, "indexing", initializer=_step_back)
        self._stopping = threading.Event()
        self._cancelling = threading.Lock()
        self._files = threading.Lock()
        """Held by whoever keeps or removes files and by what decides it: which jobs are about a file."""

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
        waiting = sum(not job.has_ended for job in self.all())
        if waiting >= self._most_waiting:
            raise RefusedError(
                503,
                "too-busy",
                f"{waiting} jobs wait already",
                "Wait until some are done.",
                headers={"Retry-After": "30"},
            )

    def accept(self, received: Sequence[Received]) -> Job:
        """Keep files that have come, and have them indexed.

        Raises:
            UnsupportedFormatError: None of them is a file maxsight reads.
        """
        refused = [one for one in received if one.refused]
        if len(refused) == len(received):
            assert refused[0].refused is not None
            raise refused[0].refused
        good = [one for one in received if not one.refused]
        files = list(dict.fromkeys(map(self._uploads.place_of, good)))
        job = Job(secrets.token_hex(16), files, refused, self._library.home)
        with self._files:
            self._uploads.begin(
                job.job_id, self._library.name, files
            )  # a killed server leaves no file unnamed
            for one in good:
                self._uploads.keep(one)
            self._submit(job)
        return job

    @contextmanager
    def keeping_off(self, path: str) -> Iterator[None]:
        """See to it that no job is about a document, and that none comes to be, while it is taken away.

        Raises:
            RefusedError: A job that has not ended is about it.
        """
        with self._files:
            if self._is_busy_with(path):
                raise RefusedError(
                    409, "document-busy", f"{path} is being indexed", "Cancel its job, or wait for it."
                )
            yield

    def get(self, job_id: str) -> Job:
        """Find a job.

        Raises:
            RefusedError: There is none with this id.
        """
        try:
            return self._jobs[job_id]
        except KeyError:
            raise unknown_job(job_id) from None

    def all(self) -> list[Job]:
        """All jobs that are remembered, newest first."""
        return list(self._jobs.values())[::-1]

    def _is_busy_with(self, path: str, *, besides: Job | None = None) -> bool:
        return any(path in job.paths and not job.has_ended and job is not besides for job in self.all())

    def cancel(self, job: Job) -> None:
        """Stop a job at its next step; one whose turn has not come ends here."""
        with self._cancelling:  # or who cancels it as well would end it as well
            first = not job.cancelled.is_set()
            job.cancelled.set()
        if first and job.turn.cancel():
            self._end(job, JobState.CANCELLED)

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
        job.turn = self._thread.submit(self._do, job)

    def _do(self, job: Job) -> None:
        state, error = JobState.FAILED, None
        try:
            state = self._index(job)
        except MaxSightError as raised:
            error = raised
        except Exception:
            logger.exception("job %s failed", job.job_id)
            error = MaxSightError("the server made a mistake", hint="Its log has more; please report it.")
        if state is not JobState.QUEUED:  # else the server stops
            self._end(job, state, error)

    def _end(self, job: Job, state: JobState, error: MaxSightError | None = None) -> None:
        with self._files:
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
        judge = self._judge_for(job)
        while not (job.cancelled.is_set() or self._stopping.is_set()):
            job.begin(to_be_judged=judge is not None)
            try:
                indexing = self._library.indexing(job.files, settings=settings, quality=judge or False)
                with closing(indexing) as events:
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

    def _judge_for(self, job: Job) -> PageJudge | None:
        """Who judges the pages of a job. That nobody can is no reason not to index them."""
        try:
            seen = judges_of(self._library.documents())
            judge = self._judges.choose_judge(seen)
        except MaxSightError as error:
            job.note(Noticed(f"these pages are not judged: {error}"))
            return None
        if judge is not None and seen - {judge.revision}:
            job.note(
                Noticed("other pages were judged by another model: its error rates do not compare with these")
            )
        return judge

    def _drop_what_is_not_indexed(self, job: Job) -> None:
        known = {entry.document.path for entry in self._library.documents()}
        for file in job.files:
            path = document_path(file, self._library.home)
            if path not in known and not self._is_busy_with(path, besides=job):
                self._uploads.remove(file)


def unknown_job(job_id: str) -> RefusedError:
    """Say that there is no such job."""
    return RefusedError(404, "unknown-job", f"there is no job {job_id!r}", "GET /v1/jobs lists them.")


def _step_back() -> None:
    """Let searches go first. On Linux a thread has a niceness of its own, which those it starts inherit."""
    if sys.platform == "linux":
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
