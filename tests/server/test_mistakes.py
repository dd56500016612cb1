"""Unexpected errors are answered as problems too, and logged."""

import asyncio

import httpx
import pytest

from maxsight.server.app import create_app
from maxsight.server.config import ServerSettings
from maxsight.server.problems import MEDIA_TYPE
from maxsight.server.schemas.jobs import JobState
from server.inside import client_of, hung_up_on, job_ended, listening, service_of, uploaded
from server.serving import FROM_OUR_PAGES

SITE = "https://intranet.example"


def broken(service):
    def fail():
        raise KeyError("nobody foresaw this")

    service.reader.documents = fail


def test_a_mistake_of_ours_is_a_problem_with_every_header(tmp_path):
    async def ask(service):
        transport = httpx.ASGITransport(create_app(service), raise_app_exceptions=False)
        headers = FROM_OUR_PAGES | {"Origin": SITE, "Sec-Fetch-Site": "cross-site"}
        async with httpx.AsyncClient(
            transport=transport, base_url="http://127.0.0.1", headers=headers
        ) as client:
            return await client.get("/metrics")

    with service_of(tmp_path, ServerSettings(cors_origins=(SITE,))) as service:
        broken(service)
        answer = asyncio.run(ask(service))
    assert answer.status_code == 500
    assert answer.headers["content-type"] == MEDIA_TYPE
    assert answer.json()["type"] == "/problems/internal-error"
    assert "nobody foresaw" not in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["access-control-allow-origin"] == SITE


def test_a_mistake_of_ours_is_logged_with_where_it_happened(tmp_path, capsys):
    with service_of(tmp_path) as service:
        broken(service)
        with listening(service) as port:
            answer = httpx.get(f"http://127.0.0.1:{port}/metrics")
    assert (answer.status_code, answer.json()["type"]) == (500, "/problems/internal-error")
    logged = capsys.readouterr().err
    assert logged.count("nobody foresaw this") == 1 + logged.count("raise KeyError")
    assert "Traceback" in logged and "in get_metrics" in logged


def following(service, snapshots):
    """Follow a job that tells of itself so, and go after a while."""

    async def follow():
        app = create_app(service)
        async with client_of(service) as client:
            job_id = (await uploaded(client, ("a.txt", b"A text."))).json()["job_id"]
        await job_ended(service, job_id)
        job = service.jobs.get(job_id)
        job.snapshots = lambda: snapshots(job)
        await hung_up_on(app, "GET", f"/v1/jobs/{job_id}/events")

    asyncio.run(follow())


def test_a_caller_who_leaves_while_an_event_waits_to_be_sent_is_not_an_error(tmp_path):
    async def on_and_on(job):
        running = job.snapshot().model_copy(update={"state": JobState.RUNNING})
        while True:
            yield running

    with service_of(tmp_path) as service:
        following(service, on_and_on)


def test_a_mistake_while_events_are_sent_is_still_one(tmp_path):
    async def breaking_off(job):
        yield job.snapshot().model_copy(update={"state": JobState.RUNNING})
        raise KeyError("nobody foresaw this")

    with service_of(tmp_path) as service, pytest.raises(ExceptionGroup) as caught:
        following(service, breaking_off)
    assert caught.group_contains(KeyError, match="nobody foresaw this")
