"""What the page on serving tells people to type works on a server, in order."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="the extra 'server' is not installed")
pytest.importorskip("httpx", reason="the extra 'client' is not installed")

from server.serving import running

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "serving.md"
BLOCK = re.compile(r"```console\n(.*?)```", re.DOTALL)
WRITTEN_AS = "http://127.0.0.1:8000"


def commands():
    for block in BLOCK.findall(PAGE.read_text(encoding="utf-8")):
        for line in re.sub(r"\\\n", " ", block).splitlines():
            assert line.startswith("$ "), line
            yield line[2:]


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_requests_of_the_page_on_serving_work(tmp_path):
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    index = [sys.executable, "-m", "maxsight", "index", "examples/documents/annual-report-2024.pdf"]
    subprocess.run(index, cwd=tmp_path, check=True, capture_output=True)
    first, *requests = commands()
    assert first == "maxsight serve"
    assert len(requests) > 8
    with running(tmp_path / "maxsight.library") as server:
        for request in requests:
            assert request.startswith("curl -s "), request
            command = request.replace("curl -s ", "curl -sS --fail-with-body ").replace(
                WRITTEN_AS, server.url
            )
            done = subprocess.run(
                ["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
            )
            assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"


def test_the_kinds_of_problems_that_are_listed_are_those_there_are():
    """Every kind that the server raises by name is in the table, and the table has no others."""
    listed = set(re.findall(r"^\| \d+ \| .*", PAGE.read_text(encoding="utf-8"), re.MULTILINE))
    named = {name for row in listed for name in re.findall(r"`([a-z-]+)`", row)}
    source = "".join(
        file.read_text(encoding="utf-8") for file in (ROOT / "src/maxsight/server").rglob("*.py")
    )
    raised = set(re.findall(r'RefusedError\(\s*\d+,\s*"([a-z-]+)"', source))
    assert raised <= named, raised - named
    import maxsight.errors

    of_the_library = {
        kind.slug()
        for kind in vars(maxsight.errors).values()
        if isinstance(kind, type) and issubclass(kind, maxsight.errors.MaxSightError)
    }
    assert named <= raised | of_the_library | {
        "not-found",
        "method-not-allowed",
        "invalid-request",
        "internal-error",
    }
