"""Indexing jobs."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, Field

from maxsight.server.schemas.fields import Problem


class JobState(StrEnum):
    """State of a job."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"


class FileState(StrEnum):
    """State of a file of a job."""

    WAITING = "waiting"
    INDEXED = "indexed"
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"


class PageProblem(BaseModel):
    """A page that could not be read. The other pages of its file are indexed."""

    page_number: int
    reason: str
    hint: str | None


class JobFile(BaseModel):
    """One file of a job."""

    file: str
    document_id: str | None = None
    state: FileState = FileState.WAITING
    pages: int = 0
    reason: str | None = Field(default=None, description="Why it was skipped, or is unchanged.")
    hint: str | None = None
    problem_count: int = Field(
        default=0, description="Problems with its pages, also those that are not listed."
    )
    problems: list[PageProblem] = Field(default=[], description="The first 50 of them.")


class Job(BaseModel):
    """Files that are being indexed."""

    job_id: str
    state: JobState = JobState.QUEUED
    share: float = Field(default=0.0, description="Share of the work that is done, in [0, 1].")
    pages: int = Field(default=0, description="Pages encoded so far.")
    judged: int = Field(default=0, description="Pages judged so far; this begins when all are encoded.")
    pages_per_s: float = 0.0
    remaining_s: float | None = None
    files: list[JobFile]
    notices: list[str] = []
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    error: Problem | None = None
    links: dict[str, str]


class JobAccepted(BaseModel):
    """An accepted job."""

    job_id: str
    links: dict[str, str]


class JobList(BaseModel):
    """Jobs of this server, newest first."""

    items: list[Job]
