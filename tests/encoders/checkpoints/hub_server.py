"""A small hub on this machine: it serves the requests of a download."""

import hashlib
import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"
LARGE_BYTES = 100_000
"""Files from this size on are stored by their SHA-256, as Git LFS does."""


@dataclass
class Hub:
    """What it serves, and what it was asked.

    Attributes:
        models: Folders by model.
        refusals: Status and headers, by model; of a gated one (403) only the files are refused.
        requests: ``(path, authorization header)`` of each.
    """

    url: str = ""
    models: dict[str, Path] = field(default_factory=dict)
    refusals: dict[str, tuple[int, dict[str, str]]] = field(default_factory=dict)
    requests: list[tuple[str, str | None]] = field(default_factory=list)

    def downloaded(self):
        """Names of the files that were fetched."""
        return {path.split(f"/resolve/{COMMIT}/")[1] for path, _ in self.requests if "/resolve/" in path}


@contextmanager
def running_hub():
    hub = Hub()

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self):
            self.answer()

        def do_GET(self):
            self.answer()

        def answer(self):
            path = unquote(urlsplit(self.path).path)
            hub.requests.append((path, self.headers.get("authorization")))
            is_api = path.startswith("/api/models/")
            parts = path.removeprefix("/api/models/").strip("/").split("/")
            model = "/".join(parts[:2])
            if model in hub.refusals and not (is_api and hub.refusals[model][0] == 403):
                return self.send(hub.refusals[model][0], b"", hub.refusals[model][1])
            if model not in hub.models:
                return self.send(404, b"", {"X-Error-Code": "RepoNotFound"})
            folder = hub.models[model]
            if not is_api:
                return self.send_file(folder / "/".join(parts[4:]))
            if "tree" in parts:
                return self.send_json([entry(file, folder) for file in files_of(folder)])
            if parts[-1] not in ("main", COMMIT):
                return self.send(404, b"", {"X-Error-Code": "RevisionNotFound"})
            self.send_json({"id": model, "sha": COMMIT, "siblings": []})

        def send_json(self, content):
            self.send(200, json.dumps(content).encode(), {"Content-Type": "application/json"})

        def send_file(self, file):
            content = file.read_bytes()
            self.send(200, content, {"ETag": f'"{etag(content)}"', "X-Repo-Commit": COMMIT})

        def send(self, status, content, headers):
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(content)

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def files_of(folder):
    return sorted(file for file in folder.rglob("*") if file.is_file())


def entry(file, folder):
    content = file.read_bytes()
    about = {"type": "file", "path": file.relative_to(folder).as_posix(), "size": len(content)}
    if len(content) < LARGE_BYTES:
        return about | {"oid": etag(content)}
    lfs = {"oid": etag(content), "size": len(content), "pointerSize": 134}
    return about | {"oid": "0" * 40, "lfs": lfs}


def etag(content):
    if len(content) >= LARGE_BYTES:
        return hashlib.sha256(content).hexdigest()
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
