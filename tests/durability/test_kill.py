"""Kill writers at random moments (kill -9). ``MAXSIGHT_KILL_ROUNDS`` sets how often."""

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from writer import all_pages, open_or_create

from maxsight.retrieval.codes import PageCodec
from maxsight.stores.local.store import LocalStore

ROUNDS = int(os.environ.get("MAXSIGHT_KILL_ROUNDS", "5"))
WRITER = Path(__file__).with_name("writer.py")
EVERYTHING = sorted(page.page_id for pages in all_pages().values() for page in pages)


def start(library, *arguments):
    writer = subprocess.Popen(
        [sys.executable, str(WRITER), str(library), *arguments], stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout.readline().startswith("started")
    return writer


def names_in(store):
    return sorted(name for chunk in store.vectors() for name in chunk.page_ids)


@pytest.fixture(scope="module")
def full_run_s(tmp_path_factory):
    """Return how long the writer takes when it is not killed."""
    began = time.monotonic()
    writer = start(tmp_path_factory.mktemp("timing") / "test.library")
    output, _ = writer.communicate(timeout=60)
    assert output.splitlines()[-1] == "done"
    return time.monotonic() - began


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_a_killed_writer_loses_nothing_it_reported(tmp_path, full_run_s, seed):
    library = tmp_path / "test.library"
    writer = start(library)
    time.sleep(random.Random(seed).uniform(0, full_run_s))
    writer.kill()
    output, _ = writer.communicate(timeout=60)
    whole_lines = output[: output.rfind("\n") + 1].splitlines()
    reported = {name for line in whole_lines if line != "done" for name in line.split()}

    if LocalStore.exists(library):
        with LocalStore(library, codec=PageCodec, read_only=True) as survivor:
            found = names_in(survivor)
            assert reported <= set(found)
            assert len(found) == len(set(found))
            assert survivor.damage() == []
            assert survivor.verify().clean
    else:
        assert not reported

    second = start(library)
    output, _ = second.communicate(timeout=60)
    assert output.splitlines()[-1] == "done"
    with open_or_create(library) as store:
        assert names_in(store) == EVERYTHING
        assert store.verify().clean
        assert store.dropped == []
        assert all(entry.complete for entry in store.documents())
