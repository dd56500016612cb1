"""A real server in a process of its own, on a free port."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx

FROM_OUR_PAGES = {"X-Requested-With": "maxsight"}


class Server:
    """``maxsight serve``, running."""

    def __init__(self, library: Path, *options: str) -> None:
        command = [
            sys.executable,
            "-m",
            "maxsight",
            "serve",
            "--library",
            str(library),
            "--port",
            "0",
            *options,
        ]
        environment = {name: value for name, value in os.environ.items() if name != "MAXSIGHT_API_TOKEN"}
        self._errors = open(library.parent / "server.log", "a+", encoding="utf-8")
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=self._errors, text=True, env=environment
        )
        self.url = self.process.stdout.readline().rpartition(" ")[2].strip()
        if not self.url:
            errors = self.errors
            self._ended()
            raise AssertionError(errors)

    @property
    def errors(self) -> str:
        self._errors.seek(0)
        return self._errors.read()

    @property
    def port(self) -> int:
        return httpx.URL(self.url).port

    def client(self, **options) -> httpx.Client:
        headers = FROM_OUR_PAGES | options.pop("headers", {})
        return httpx.Client(base_url=self.url, timeout=60, headers=headers, **options)

    def stop(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self._ended()

    def kill(self) -> None:
        self.process.kill()
        self._ended()

    def _ended(self) -> int:
        try:
            code = self.process.wait(60)
        finally:
            self.process.stdout.close()
            self._errors.close()
        return code


@contextmanager
def running(library: Path, *options: str):
    server = Server(library, *options)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.kill()


def upload(client: httpx.Client, *files: tuple[str, bytes]) -> httpx.Response:
    return client.post("/v1/documents", files=[("files", (name, content)) for name, content in files])


def ended(client: httpx.Client, job_id: str, timeout_s: float = 60) -> dict:
    """The job when nothing more happens to it."""
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        job = client.get(f"/v1/jobs/{job_id}").json()
        if job["state"] in ("done", "cancelled", "failed"):
            return job
        time.sleep(0.05)
    raise AssertionError(job)


def index(client: httpx.Client, *files: tuple[str, bytes]) -> dict:
    """Upload files and wait until they are indexed."""
    accepted = upload(client, *files)
    assert accepted.status_code == 202, accepted.text
    return ended(client, accepted.json()["job_id"])


def job_ids(client: httpx.Client) -> list[str]:
    return [job["job_id"] for job in client.get("/v1/jobs").json()["items"]]


def files_below(folder: Path) -> set[str]:
    return {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}


def send_slowly_until_closed(line: socket.socket, drop: bytes, timeout_s: float = 60) -> bytes:
    """Send a little again and again until the server closes the connection, and give what it has sent."""
    line.settimeout(0.02)
    received = b""
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        try:
            chunk = line.recv(65536)
        except TimeoutError:
            if received:  # a drop now would reset the connection, and the rest of the answer would be lost
                continue
            with suppress(OSError):  # the connection was closed just now; its last bytes are still to be read
                line.sendall(drop)
            continue
        except ConnectionResetError:  # the last drop came too late
            return received
        if not chunk:
            return received
        received += chunk
    raise AssertionError("the server has not closed the connection")
