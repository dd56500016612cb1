"""Runs the Milvus tests and prints what passed on which server, to be pasted into a report.

make test-milvus MAXSIGHT_TEST_MILVUS=http://127.0.0.1:19530 MAXSIGHT_TEST_MILVUS_TOKEN=root:Milvus
"""

import os
import platform
import sys
from collections import Counter, defaultdict
from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
TESTS = ("tests/contracts/test_store.py", "tests/stores/milvus")
GIVEN, OLD, LITE, STUB = "the given server", "Milvus 2.3.5", "Milvus Lite", "the stub"


class Outcomes:
    """A plugin of pytest that counts the outcomes of tests by server and file."""

    def __init__(self):
        self.counts = defaultdict(Counter)
        self.problems = []
        self.servers = {}

    def pytest_collection_modifyitems(self, items):
        for item in items:
            self.servers[item.nodeid] = server_of(item)

    def pytest_runtest_logreport(self, report):
        if report.when == "call" or report.outcome != "passed":
            server = self.servers[report.nodeid]
            self.counts[server, report.nodeid.partition("::")[0]][report.outcome] += 1
            if report.outcome == "failed":
                self.problems.append(f"{server}: {report.nodeid}\n    {reason(report)}")
            elif report.outcome == "skipped" and server == GIVEN:
                self.problems.append(f"{server}: {report.nodeid} skipped")


def server_of(item):
    """Which server a test runs on."""
    name, fixtures = item.nodeid, item.fixturenames
    if "milvus-given" in name or "given_milvus" in fixtures:
        return GIVEN
    if "2.3.5" in name or "milvus_server" in fixtures:
        return OLD
    if "lite" in name or "lite" in fixtures:
        return LITE
    return STUB if "stub" in name or "stub" in fixtures else "none"


def reason(report):
    """The last line of an error."""
    crash = getattr(report.longrepr, "reprcrash", None)
    return crash.message.splitlines()[0] if crash else str(report.longrepr).splitlines()[-1]


def given_version():
    """The version of the given server."""
    from pymilvus import MilvusClient

    uri = os.environ.get("MAXSIGHT_TEST_MILVUS")
    if not uri:
        return "none"
    try:
        client = MilvusClient(uri, token=os.environ.get("MAXSIGHT_TEST_MILVUS_TOKEN", ""), timeout=10)
        return client.get_server_version()
    except Exception as error:  # whatever it is, it belongs into the report
        return f"not reached: {str(error).splitlines()[0]}"


def main():
    os.chdir(ROOT)
    outcomes = Outcomes()
    code = pytest.main(["-q", *(sys.argv[1:] or TESTS)], plugins=[outcomes])
    write = sys.stdout.write
    write("\n--- report: paste all of this ---\n")
    write(f"maxsight {version('maxsight')}, pymilvus {version('pymilvus')}, ")
    write(f"Python {platform.python_version()}, {platform.system()}; {GIVEN}: {given_version()}\n")
    for (server, file), counts in sorted(outcomes.counts.items()):
        if server != "none":
            numbers = ", ".join(
                f"{counts[kind]} {kind}" for kind in ("passed", "failed", "skipped") if counts[kind]
            )
            write(f"{server:18} {file.removeprefix('tests/'):45} {numbers}\n")
    write("".join(f"{problem}\n" for problem in outcomes.problems))
    return int(code)


if __name__ == "__main__":
    raise SystemExit(main())
