"""The application in the test's own process, so that tests can block its threads and read its metrics."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import httpx

from maxsight.server.app import create_app
from maxsight.server.config import ServerSettings
from maxsight.server.listening import server_of
from maxsight.server.service import Service
from server.serving import FROM_OUR_PAGES


@contextmanager
def service_of(folder: Path, settings: ServerSettings | None = None, **options):
    """A service of the library in a folder, which is empty if there was none."""
    given = settings or ServerSettings()
    service = Service.open(folder / "test.library", given, encoder="fake", **options)
    try:
        yield service
    finally:
        service.close()


@asynccontextmanager
async def client_of(service: Service, **headers: str):
    """A client of the application that serves it."""
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(create_app(service)),
        base_url="http://127.0.0.1",
        headers=FROM_OUR_PAGES | headers,
    ) as client:
        yield client


@contextmanager
def listening(service: Service):
    """The port on which it is served, in a thread of this process."""
    with socket.create_server(("127.0.0.1", 0)) as line:
        server = server_of(service)
        thread = threading.Thread(target=server.run, args=([line],))
        thread.start()
        try:
            yield line.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join()


async def hung_up_on(app, method: str, path: str, asked: dict | None = None):
    """Ask for what comes without an end, take a few pieces, stop reading, and go while the next is being sent."""
    taken, gone = 0, asyncio.Event()
    to_come = iter([{"type": "http.request", "body": json.dumps(asked).encode() if asked else b""}])

    async def receive():
        if request := next(to_come, None):
            return request
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message):
        nonlocal taken
        taken += message["type"] == "http.response.body"
        if taken > 5:
            asyncio.get_running_loop().call_later(0.5, gone.set)
            await asyncio.Event().wait()

    headers = [(b"host", b"127.0.0.1"), (b"content-type", b"application/json")]
    scope = {"type": "http", "method": method, "path": path, "query_string": b"", "headers": headers}
    await app({**scope, "asgi": {"version": "3.0"}}, receive, send)
    assert gone.is_set()


@contextmanager
def jobs_held(service: Service):
    """Jobs wait for their turn as long as the block lasts."""
    go_on = threading.Event()
    service.jobs._thread.submit(go_on.wait, 60)
    try:
        yield
    finally:
        go_on.set()


async def uploaded(client: httpx.AsyncClient, *files: tuple[str, bytes]) -> httpx.Response:
    return await client.post("/v1/documents", files=[("files", file) for file in files])


async def job_ended(service: Service, job_id: str) -> str:
    """The state of a job when nothing more happens to it."""
    job = service.jobs.get(job_id)
    while not job.has_ended:
        await asyncio.sleep(0.01)
    return job.snapshot().state
