"""Indexing jobs, done one after the other in one thread.

A job that has not ended when the server stops is resumed by the next server.
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
from maxsight.server.problems import RefusedError, internal_error, too_busy
from maxsight.server.schemas.jobs import JobState
from maxsight.server.upload_folder import UploadFolder
from maxsight.server.upload_form import Received

logger = logging.getLogger(__name__)

MAX_REMEMBERED = 100
BUSY_WAIT_S = 2.0
NICENESS = 10


class JobQueue:
    """Does jobs one after the other, and remembers the last ones."""

    def __init__(
        self,
        library: Library,
        uploads: UploadFolder,
        judges: Judges,
        *,
        reading: Limits,
        max_waiting: int,
        metrics: Metrics,
    ) -> None:
        """Start idle.

        Args:
            library: The library, open for writing.
            uploads: Where the files are stored.
            judges: Chooses the model that judges their pages.
            reading: What reading a file may cost.
            max_waiting: How many jobs may wait or run.
            metrics: Counts jobs and pages.
        """
        self._library = library
        self._uploads = uploads
        self._judges = judges
        self._reading = reading
        self._max_waiting = max_waiting
        self._metrics = metrics
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._thread = ThreadPoolExecutor(1, "indexing", initializer=_lower_priority)
        self._stopping = threading.Event()
        self._cancelling = threading.Lock()
        self._files = threading.Lock()
        """Held while files are stored or removed, and while jobs that use them begin or end."""

    def resume(self) -> None:
        """Start the jobs that the last server has not ended."""
        self._uploads.sweep()
        for job_id, files in self._uploads.unfinished(self._library.name).items():
            self._submit(Job(job_id, files, (), self._library.home))

    def check_room(self) -> None:
        """Check that another job may wait.

        Raises:
            RefusedError: Too many jobs wait already.
        """
        waiting = sum(not job.has_ended for job in self.all())
        if waiting >= self._max_waiting:
            raise too_busy(f"{waiting} jobs wait already", "Wait until some are done.", retry_after_s=30)

    def accept(self, received: Sequence[Received]) -> Job:
        """Store the files of an upload, and make a job that indexes them.

        A file whose content is in the library already, or comes twice, is not stored: the job names the document that
        has it.

        Raises:
            UnsupportedFormatError: maxsight reads none of them.
        """
        refused = [one for one in received if one.refused]
        if len(refused) == len(received):
            assert refused[0].refused is not None
            raise refused[0].refused
        with self._files:
            good, known = self._divide([one for one in received if not one.refused])
            files = list(dict.fromkeys(map(self._uploads.place_of, good)))
            job = Job(secrets.token_hex(16), files, refused, self._library.home, known=known)
            # Write the journal first, so that a kill leaves no unlisted file.
            self._uploads.begin(job.job_id, self._library.name, files)
            for one in good:
                self._uploads.store(one)
            self._submit(job)
        return job

    def _divide(self, received: Sequence[Received]) -> tuple[list[Received], list[tuple[Received, str]]]:
        """Divide files into those to index, and those whose content another document has, with its path."""
        home, key = self._library.home, self._uploads.key_of
        wanted = {key(one.digest) for one in received}
        stored = [entry.document for entry in self._library.documents() if entry.complete]
        paths = {
            key(document.content_hash): document.path
            for document in stored
            # A document whose file has gone has no pictures: the file is welcome again.
            if key(document.content_hash) in wanted and self._library.source(document).exists()
        }
        coming = (file for job in self.all() if not job.has_ended for file in job.files)
        paths |= {file.parent.name: document_path(file, home) for file in coming}
        good: list[Received] = []
        known: list[tuple[Received, str]] = []
        for one in received:
            own = document_path(self._uploads.place_of(one), home)
            other = paths.setdefault(key(one.digest), own)
            if other == own:
                good.append(one)
            else:
                known.append((one, other))
        return good, known

    @contextmanager
    def keeping_off(self, path: str) -> Iterator[None]:
        """Keep jobs off a document while the block removes it.

        Raises:
            RefusedError: A job is indexing it.
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
            RefusedError: No job has this id.
        """
        try:
            return self._jobs[job_id]
        except KeyError:
            raise unknown_job(job_id) from None

    def all(self) -> list[Job]:
        """List the jobs that are remembered, newest first."""
        return list(self._jobs.values())[::-1]

    def _is_busy_with(self, path: str, *, except_for: Job | None = None) -> bool:
        return any(path in job.paths and not job.has_ended and job is not except_for for job in self.all())

    def cancel(self, job: Job) -> None:
        """Stop a job at its next step; a job that waits ends at once."""
        with self._cancelling:  # so that of two callers only one ends it
            first = not job.cancelled.is_set()
            job.cancelled.set()
        if first and job.future.cancel():
            self._end(job, JobState.CANCELLED)

    def close(self) -> None:
        """Stop at the next step and commit the encoded pages. The next server does the rest."""
        self._stopping.set()
        self._thread.shutdown(cancel_futures=True)

    def _submit(self, job: Job) -> None:
        for job_id in [job_id for job_id, old in self._jobs.items() if old.has_ended]:
            if len(self._jobs) < MAX_REMEMBERED:
                break
            del self._jobs[job_id]
        self._jobs[job.job_id] = job
        self._metrics.jobs_waiting.inc()
        job.future = self._thread.submit(self._do, job)

    def _do(self, job: Job) -> None:
        state, error = JobState.FAILED, None
        try:
            state = self._index(job)
        except MaxSightError as raised:
            error = raised
        except Exception:
            logger.exception("job %s failed", job.job_id)
            error = internal_error()
        if state is not JobState.QUEUED:  # queued: the server stops
            self._end(job, state, error)

    def _end(self, job: Job, state: JobState, error: MaxSightError | None = None) -> None:
        with self._files:
            try:
                self._remove_files_not_indexed(job)
                self._uploads.end(job.job_id)
            except (OSError, MaxSightError):
                logger.exception("the files of job %s could not be cleaned up", job.job_id)
            self._metrics.jobs_waiting.dec()
            self._metrics.jobs.labels(state.value).inc()
            job.end(state, error)

    def _index(self, job: Job) -> JobState:
        """Index a job's files. While another process writes to the library, wait."""
        if not job.files:
            return JobState.DONE
        settings = replace(self._library.settings, limits=self._reading)
        judge = self._judge_for(job)
        while not (job.cancelled.is_set() or self._stopping.is_set()):
            job.begin(to_be_judged=judge is not None)
            try:
                indexing = self._library.indexing(
                    job.files, settings=settings, quality=judge or False, wait=False
                )
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
        """Choose the model that judges the pages of a job. Without one they are indexed all the same."""
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

    def _remove_files_not_indexed(self, job: Job) -> None:
        known = {entry.document.path for entry in self._library.documents()}
        for file in job.files:
            path = document_path(file, self._library.home)
            if path not in known and not self._is_busy_with(path, except_for=job):
                self._uploads.remove(file)


def unknown_job(job_id: str) -> RefusedError:
    """Make the error of an unknown job."""
    return RefusedError(404, "unknown-job", f"there is no job {job_id!r}", "GET /v1/jobs lists them.")


def _lower_priority() -> None:
    """Give searches priority. On Linux niceness belongs to a thread, and threads it starts inherit it."""
    if sys.platform == "linux":
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
