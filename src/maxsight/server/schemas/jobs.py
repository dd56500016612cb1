"""Files on their way into the library."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, Field

from maxsight.server.schemas.fields import Problem


class JobState(StrEnum):
    """How far a job is."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"


class FileState(StrEnum):
    """How far a file of a job is."""

    WAITING = "waiting"
    INDEXED = "indexed"
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"


class PageProblem(BaseModel):
    """A page that could not be read; the others of its file are indexed."""

    page_number: int
    reason: str
    hint: str | None


class JobFile(BaseModel):
    """One file of a job."""

    file: str
    document_id: str | None = None
    state: FileState = FileState.WAITING
    pages: int = 0
    reason: str | None = Field(default=None, description="Why it was skipped.")
    hint: str | None = None
    problems: list[PageProblem] = []


class Job(BaseModel):
    """Files on their way into the library."""

    job_id: str
    state: JobState
    share: float = Field(description="Of the work, in [0, 1].")
    pages: int = Field(description="Pages encoded so far.")
    judged: int = Field(
        description="Pages of which it was predicted how well OCR reads them, once all are encoded."
    )
    pages_per_s: float
    remaining_s: float | None
    files: list[JobFile]
    notices: list[str]
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    error: Problem | None
    links: dict[str, str]


class JobAccepted(BaseModel):
    """A job that will be done."""

    job_id: str
    links: dict[str, str]


class JobList(BaseModel):
    """Jobs of this server, newest first."""

    items: list[Job]
