"""Indexing jobs: how far they are, and stop."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Path
from fastapi.sse import EventSourceResponse, ServerSentEvent

from maxsight.server import schemas
from maxsight.server.job_queue import unknown_job
from maxsight.server.jobs import Job
from maxsight.server.routes.streaming import MAY_HANG_UP
from maxsight.server.schemas import FileState, JobState
from maxsight.server.service import Service, get_service

router = APIRouter(tags=["jobs"])
Served = Annotated[Service, Depends(get_service)]


def get_job(service: Served, job_id: Annotated[schemas.Id, Path()]) -> Job:
    """The job that an address names. A server that is read-only has none."""
    if service.is_read_only:
        raise unknown_job(job_id)
    return service.jobs.get(job_id)


Named = Annotated[Job, Depends(get_job)]


@router.get("/v1/jobs")
async def list_jobs(service: Served) -> schemas.JobList:
    """The jobs of this server, newest first. Those that have ended are forgotten after a while."""
    jobs = [] if service.is_read_only else service.jobs.all()
    return schemas.JobList(items=[job.snapshot() for job in jobs])


@router.get("/v1/jobs/{job_id}")
async def get_job_state(job: Named) -> schemas.Job:
    """How far a job is."""
    return job.snapshot()


@router.get("/v1/jobs/{job_id}/events", response_class=EventSourceResponse, dependencies=[MAY_HANG_UP])
async def follow_job(job: Named) -> AsyncIterator[ServerSentEvent]:
    """How far a job is, again and again until it ends. Each event holds the whole job."""
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
    """Stop a job at its next step. What is indexed stays; files of which nothing is go."""
    await service.run(service.jobs.cancel, job)
    return job.snapshot()
