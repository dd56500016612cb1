"""Indexing jobs: list, follow and cancel them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Path
from fastapi.sse import EventSourceResponse, ServerSentEvent

from maxsight.server.job_queue import unknown_job
from maxsight.server.jobs import Job
from maxsight.server.routes.streaming import IGNORE_HANG_UPS
from maxsight.server.schemas import fields
from maxsight.server.schemas import jobs as schemas
from maxsight.server.schemas.jobs import FileState, JobState
from maxsight.server.service import Served

router = APIRouter(tags=["jobs"])


def get_job(service: Served, job_id: Annotated[fields.Id, Path()]) -> Job:
    """Find the job that an address names. A read-only server has none."""
    if service.is_read_only:
        raise unknown_job(job_id)
    return service.jobs.get(job_id)


Named = Annotated[Job, Depends(get_job)]


@router.get("/v1/jobs")
async def list_jobs(service: Served) -> schemas.JobList:
    """List the jobs of this server, newest first. The oldest that have ended are forgotten."""
    jobs = [] if service.is_read_only else service.jobs.all()
    return schemas.JobList(items=[job.snapshot() for job in jobs])


@router.get("/v1/jobs/{job_id}")
async def get_job_state(job: Named) -> schemas.Job:
    """Get the state of a job."""
    return job.snapshot()


@router.get("/v1/jobs/{job_id}/events", response_class=EventSourceResponse, dependencies=[IGNORE_HANG_UPS])
async def follow_job(job: Named) -> AsyncIterator[ServerSentEvent]:
    """Follow a job until it ends. Each event holds the whole job."""
    skipped = indexed = 0
    async for now in job.snapshots():
        before = skipped, indexed
        skipped = sum(file.state is FileState.SKIPPED for file in now.files)
        indexed = sum(file.state is FileState.INDEXED for file in now.files)
        if now.state in (JobState.DONE, JobState.CANCELLED, JobState.FAILED):
            event = "done"
        elif skipped > before[0]:
            event = "skipped"
        else:
            event = "indexed" if indexed > before[1] else "progress"
        yield ServerSentEvent(event=event, data=now)


@router.delete("/v1/jobs/{job_id}")
async def cancel_job(service: Served, job: Named) -> schemas.Job:
    """Stop a job at its next step. Indexed pages stay; files without an indexed page are deleted."""
    await service.run(service.jobs.cancel, job)
    return job.snapshot()
