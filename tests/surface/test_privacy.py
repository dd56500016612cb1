"""The main commands reach no other machine and write nothing outside of the library and maxsight's own cache."""

import os
import re
import shutil
import subprocess
import sys

import pytest

OPENED_TO_WRITE = re.compile(
    r'openat\((?P<folder>[^,]+), "(?P<path>[^"]+)", [^)]*O_(?:WRONLY|RDWR|CREAT)[^)]*\) = \d'
)
INTERNET = re.compile(r"(?:connect|sendto)\(.*sa_family=AF_INET6?\b.*")
LOOPBACK = re.compile(r'inet_addr\("127\.|inet_pton\(AF_INET6, "::1"')
DEVICES = ("/dev/", "/proc/self/", "pipe:", "socket:")


@pytest.fixture
def folder(tmp_path):
    if not shutil.which("strace"):
        pytest.skip("strace is not installed (Debian: apt-get install strace)")
    (tmp_path / "work").mkdir()
    (tmp_path / "home").mkdir()
    (tmp_path / "temporary").mkdir()
    (tmp_path / "work" / "notes.txt").write_text("The turbines are quiet at night.")
    return tmp_path


def traced(folder, *arguments):
    """Run a command with a home and a temporary folder of its own; gives its system calls."""
    log = folder / "trace"
    environment = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    environment |= {
        "HOME": str(folder / "home"),
        "XDG_CACHE_HOME": str(folder / "home" / ".cache"),
        "TMPDIR": str(folder / "temporary"),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    tracer = ["strace", "-f", "-s", "300", "-e", "trace=connect,sendto,openat", "-o", str(log)]
    command = [sys.executable, "-m", "maxsight", *arguments]
    done = subprocess.run(
        [*tracer, *command], cwd=folder / "work", env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return log.read_text(errors="replace")


def test_the_main_commands_reach_no_other_machine_and_leave_no_file_elsewhere(folder):
    commands = (
        ("index", "notes.txt"),
        ("search", "are the turbines loud?"),
        ("explain", "are the turbines loud?", "notes.txt", "1"),
        ("status",),
        ("list",),
        ("search", "turbines", "--filter", "page_number = 1", "--json"),
        ("verify",),
        ("compact",),
        ("export", "pages.parquet"),
        ("backup", "backup.library"),
        ("copy", "maxsight.library", "copied.library"),
        ("embed", "notes.txt", "--out", "vectors.npz", "--model-name", "minilm"),
        ("encoders",),
        ("remove", "notes.txt"),
    )
    for command in commands:
        calls = traced(folder, *command)
        reached = [call for call in INTERNET.findall(calls) if not LOOPBACK.search(call)]
        assert reached == [], command
    left = [file for file in (folder / "home").rglob("*") if file.is_file()]
    assert [file for file in left if folder / "home" / ".cache" / "maxsight" not in file.parents] == []
    assert list((folder / "temporary").iterdir()) == []


def test_a_command_opens_no_file_for_writing_outside_its_folders(folder):
    own = (str(folder), *DEVICES)
    written = {
        call["path"]
        for call in OPENED_TO_WRITE.finditer(traced(folder, "index", "notes.txt"))
        if call["path"].startswith("/")  # a relative path lies in the folder that the command runs in
    }
    kernels_cache = f"{os.sep}__pycache__{os.sep}"  # compiled kernels lie beside the package
    assert [path for path in written if not path.startswith(own) and kernels_cache not in path] == []
