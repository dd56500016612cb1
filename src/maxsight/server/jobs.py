"""An indexing job: one thread does it, others follow its progress."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import Future
from datetime import UTC, datetime
from itertools import starmap
from pathlib import Path, PurePosixPath

from maxsight.errors import MaxSightError
from maxsight.identity import document_id, document_path
from maxsight.indexing import Indexed, IndexEvent, Noticed, NotIndexed, Progress, Skipped
from maxsight.server.problems import problem_of
from maxsight.server.schemas import jobs as schemas
from maxsight.server.schemas.jobs import FileState, JobFile, JobState
from maxsight.server.upload_form import Received

MAX_EVENTS_PER_S = 10
MAX_LISTED = 50
"""So many problems of a file, and notices, are in a report."""
_ENDED = (JobState.DONE, JobState.CANCELLED, JobState.FAILED)


class Job:
    """Files that are being indexed. For any thread."""

    def __init__(
        self,
        job_id: str,
        files: Sequence[Path],
        refused: Sequence[Received],
        home: Path | None,
        *,
        known: Sequence[tuple[Received, str]] = (),
    ) -> None:
        """Start in the state ``queued``.

        Args:
            job_id: Its id.
            files: The files to index.
            refused: Files of the same upload that were refused.
            home: The folder that documents' paths are relative to.
            known: Files of the same upload whose content another document has, with its path.
        """
        self.job_id = job_id
        self.files = list(files)
        self.cancelled = threading.Event()
        self.future: Future[None] = Future()
        self._home = home
        self._to_be_judged = False
        self._lock = threading.Lock()
        self._changes = 0
        self._rows = {document_path(file, home): self._row(file) for file in files}
        self._job = schemas.Job(
            job_id=job_id,
            files=[*self._rows.values(), *starmap(_known_row, known), *map(_refused_row, refused)],
            created_at=datetime.now(UTC),
            links={"self": f"/v1/jobs/{job_id}", "events": f"/v1/jobs/{job_id}/events"},
        )

    @property
    def paths(self) -> frozenset[str]:
        """The paths of its documents."""
        return frozenset(self._rows)

    @property
    def has_ended(self) -> bool:
        """Whether it has ended."""
        return self._job.state in _ENDED

    def snapshot(self) -> schemas.Job:
        """Copy the job's state."""
        with self._lock:
            return self._job.model_copy(deep=True)

    async def snapshots(self) -> AsyncIterator[schemas.Job]:
        """Copy the job's state now and after each change, until it ends.

        A slow reader gets fewer copies, never old ones.
        """
        seen = -1
        while True:
            if seen != (changes := self._changes):  # read before the copy, so that no change is missed
                seen, now = changes, self.snapshot()
                yield now
                if now.state in _ENDED:
                    return
            await asyncio.sleep(1 / MAX_EVENTS_PER_S)

    def begin(self, *, to_be_judged: bool = False) -> None:
        """Start.

        Args:
            to_be_judged: Whether pages are judged once they are indexed; that counts as half of the work.
        """
        with self._lock:
            self._to_be_judged = to_be_judged
            self._job.state, self._job.started_at = JobState.RUNNING, datetime.now(UTC)
            self._changes += 1

    def note(self, event: IndexEvent) -> None:
        """Record an event of the run."""
        with self._lock:
            match event:
                case Progress():
                    self._note_progress(event)
                case Indexed() if row := self._rows.get(event.path):
                    row.state, row.pages = FileState.INDEXED, event.pages
                case Skipped() if row := self._rows.get(event.path):
                    row.state = FileState.UNCHANGED
                case NotIndexed() if row := self._rows.get(document_path(Path(event.path), self._home)):
                    _note_failure(row, event)
                case Noticed():
                    more = "; the server's administrator can change that" if event.hint else ""
                    notice = event.message + more
                    if notice not in self._job.notices and len(self._job.notices) < MAX_LISTED:
                        self._job.notices.append(notice)
            self._changes += 1

    def end(self, state: JobState, error: MaxSightError | None = None) -> None:
        """End."""
        with self._lock:
            self._job.state, self._job.finished_at = state, datetime.now(UTC)
            self._job.remaining_s = None
            why = {
                JobState.DONE: "none of its pages could be read",
                JobState.FAILED: "the job failed before this file was indexed",
                JobState.CANCELLED: "the job was cancelled before this file was indexed",
            }
            for row in self._rows.values():
                if row.state is FileState.WAITING:
                    row.state, row.reason = FileState.SKIPPED, why[state]
            if state is JobState.DONE:
                self._job.share = 1.0
            if error is not None:
                self._job.error = problem_of(error)
            self._changes += 1

    def _note_progress(self, event: Progress) -> None:
        job, more_to_come = self._job, self._to_be_judged and not event.judging
        job.share = (event.share + event.judging) / 2 if self._to_be_judged else event.share
        job.pages_per_s, job.remaining_s = event.pages_per_s, None if more_to_come else event.remaining_s
        if event.judging:
            job.judged = event.pages
        else:
            job.pages = event.pages

    def _row(self, file: Path) -> JobFile:
        return JobFile(file=file.name, document_id=document_id(document_path(file, self._home)))


def _known_row(received: Received, path: str) -> JobFile:
    name = PurePosixPath(path).name
    reason = "the library has this file" + ("" if name == received.name else f" as {name}")
    return JobFile(
        file=received.name, document_id=document_id(path), state=FileState.UNCHANGED, reason=reason
    )


def _refused_row(received: Received) -> JobFile:
    assert received.refused is not None
    error = received.refused
    return JobFile(file=received.name, state=FileState.SKIPPED, reason=error.reason, hint=error.hint)


def _note_failure(row: JobFile, event: NotIndexed) -> None:
    if event.page_number is None:
        row.state, row.reason, row.hint = FileState.SKIPPED, event.reason, event.hint
        return
    row.problem_count += 1
    if len(row.problems) < MAX_LISTED:
        row.problems.append(
            schemas.PageProblem(page_number=event.page_number, reason=event.reason, hint=event.hint)
        )
