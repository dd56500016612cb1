"""A real Milvus server for tests: 2.3.5, from PyPI, in an environment of its own and out of every network's reach."""

import contextlib
import os
import subprocess
import sys
import threading
import venv
from dataclasses import dataclass
from pathlib import Path

from maxsight.stores.addresses import MilvusAddress

VERSION = "2.3.5"
TOKEN = "root:Milvus"
SCRIPT = Path(__file__).with_name("isolated_server.py")
START_TIMEOUT_S = 180


class NoServerError(Exception):
    """Why none can run here."""


@dataclass
class MilvusProcess:
    """A server that is running.

    Attributes:
        port: On 127.0.0.1, outside its namespace.
        pid: Of the server itself.
        process: What passes connections on to it.
    """

    port: int
    pid: int
    process: subprocess.Popen

    @property
    def uri(self):
        return f"http://127.0.0.1:{self.port}"

    def address(self, collection, **options):
        """A library on it."""
        return MilvusAddress(self.uri, collection=collection, **{"token": TOKEN, **options})

    def stop(self):
        self.process.stdin.close()
        self.process.wait(timeout=30)
        self.process.stdout.close()


@contextlib.contextmanager
def running_server(folder):
    """Run a server with its files in ``folder``.

    Raises:
        NoServerError: It can't be installed or started here.
    """
    server = start_server(folder)
    try:
        yield server
    finally:
        server.stop()


def start_server(folder, port=0):
    """Start one; ``stop`` ends it. Port 0 is any that is free."""
    python = _environment() / "bin" / "python"
    with open(folder / "log", "wb") as log:
        process = subprocess.Popen(
            [python, SCRIPT, folder / "data", str(port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
        )
    too_long = threading.Timer(START_TIMEOUT_S, process.kill)
    too_long.start()
    line = process.stdout.readline().split()
    too_long.cancel()
    if len(line) != 2:
        process.kill()
        process.communicate()
        reason = (folder / "log").read_text(errors="replace").strip().rpartition("\n")[2]
        raise NoServerError(f"Milvus {VERSION} does not start: {reason or 'it took too long'}")
    return MilvusProcess(int(line[0]), int(line[1]), process)


def _environment():
    """Where Milvus is installed: made when first needed, kept for the next runs."""
    if not sys.platform.startswith("linux"):
        raise NoServerError("network namespaces are Linux's")
    import fcntl  # not on Windows

    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "maxsight-tests"
    cache.mkdir(parents=True, exist_ok=True)
    home = cache / f"milvus-{VERSION}"
    with open(cache / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (home / "installed").exists():
            try:
                venv.create(home, with_pip=True, clear=True)
            except (OSError, subprocess.CalledProcessError) as error:  # no python3-venv
                raise NoServerError(f"no environment for Milvus {VERSION} can be made: {error}") from error
            pip = [home / "bin" / "python", "-m", "pip", "install", "--quiet", f"milvus=={VERSION}"]
            installed = subprocess.run(pip, capture_output=True, text=True)
            if installed.returncode:
                raise NoServerError(f"Milvus {VERSION} can't be installed: {installed.stderr.strip()[-200:]}")
            (home / "installed").touch()
    return home
