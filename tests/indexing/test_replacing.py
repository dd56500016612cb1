"""A changed document is replaced page by page: its old pages go with the last new one, whatever happens before."""

import os
import signal
import subprocess
import sys

import pytest
from stages import GatedEncoder, GatedStore

from maxsight import Library
from maxsight.documents import OcrChoice, ReadSettings
from maxsight.errors import StorageFullError
from maxsight.indexing import Indexed, IndexRun
from maxsight.indexing import copies as copies_module
from maxsight.indexing import encoding as encoding_module
from pdf_files import write_pdf

OLD, NEW = [f"Old page {index}" for index in range(5)], [f"New page {index}" for index in range(10)]


@pytest.fixture(autouse=True)
def four_pages_a_commit(monkeypatch):
    monkeypatch.setattr(encoding_module, "PAGES_PER_COMMIT", 4)
    monkeypatch.setattr(copies_module, "PAGES_PER_COMMIT", 4)


@pytest.fixture
def file(tmp_path):
    """A PDF of five pages."""
    (tmp_path / "docs").mkdir()
    return write(tmp_path / "docs" / "a.pdf", OLD)


def write(path, texts):
    return write_pdf(path, [[(72, 144, text)] for text in texts])


def run(store, file, **options):
    given = {"settings": ReadSettings(ocr=OcrChoice.NONE), "workers": 1, **options}
    return list(IndexRun(store, GatedEncoder(batch_size=2), file.parent, [file.parent], given).events())


def actions(events):
    return [(event.path, event.action, event.pages) for event in events if isinstance(event, Indexed)]


def texts(store):
    """Every stored page's text, in order."""
    ids = [page_id for vectors in store.vectors() for page_id in vectors.page_ids]
    return sorted(page.page.text for page in store.read(ids))


def test_a_long_document_is_written_as_it_comes_and_the_old_one_goes_with_its_last_pages(file):
    store = GatedStore()
    run(store, file)
    store.commits.clear()
    write(file, NEW)
    assert actions(run(store, file)) == [("a.pdf", "replaced", 10)]
    numbers = [([page.page.page_number for page in pages], replaces) for pages, replaces in store.commits]
    assert numbers == [([1, 2, 3, 4], False), ([5, 6, 7, 8], False), ([9, 10], True)]
    assert texts(store) == NEW


@pytest.mark.parametrize("commit", [1, 2, 3])
def test_a_run_that_fails_at_any_commit_keeps_the_old_pages_and_the_next_one_completes_it(file, commit):
    store = GatedStore()
    run(store, file)
    write(file, NEW)
    store.fails_on = {len(store.commits) + commit: StorageFullError("no space left")}
    with pytest.raises(StorageFullError):
        run(store, file)
    assert [text for text in texts(store) if text in OLD] == OLD
    assert [entry.mixed for entry in store.documents()] == [commit > 1]
    assert actions(run(store, file)) == [("a.pdf", "replaced", 10)]
    assert texts(store) == NEW
    assert [entry.complete for entry in store.documents()] == [True]
    assert actions(run(store, file)) == []


def test_new_pages_go_again_if_the_file_is_as_it_was_before(file):
    store, before = GatedStore(), file.read_bytes()
    run(store, file)
    write(file, NEW)
    store.fails_on = {len(store.commits) + 2: StorageFullError("no space left")}
    with pytest.raises(StorageFullError):
        run(store, file)
    assert len(texts(store)) > len(OLD)
    file.write_bytes(before)
    run(store, file)
    assert texts(store) == OLD


def test_an_equal_file_takes_the_place_of_another_one_in_commits_of_bounded_size_too(file):
    store = GatedStore()
    write(file.parent / "b.pdf", NEW)
    run(store, file)
    store.commits.clear()
    file.write_bytes((file.parent / "b.pdf").read_bytes())
    assert actions(run(store, file)) == [("a.pdf", "copied", 10)]
    assert [(len(pages), replaces) for pages, replaces in store.commits] == [
        (4, False),
        (4, False),
        (2, True),
    ]
    assert texts(store) == sorted(NEW + NEW)


KILLED = """
import os, signal, sys
from maxsight import Library
from maxsight.indexing import encoding as batch
from maxsight.stores.local.store import LocalStore

batch.PAGES_PER_COMMIT, put, left = 4, LocalStore.put, [int(sys.argv[3])]

def put_and_be_killed(self, pages, **options):
    put(self, pages, **options)
    left[0] -= 1
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)

LocalStore.put = put_and_be_killed
with Library.open(sys.argv[1]) as library:
    library.index(sys.argv[2])
"""


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is not there on Windows")
def test_after_a_kill_the_old_pages_are_found_and_the_same_command_completes_the_document(file, tmp_path):
    place = tmp_path / "test.library"
    with Library.create(place, encoder="fake") as library:
        library.index(file)
    write(file, NEW)
    arguments = [sys.executable, "-c", KILLED, place, file.parent, "2"]
    assert subprocess.run(arguments, env=dict(os.environ)).returncode == -signal.SIGKILL
    with Library.open(place) as library:
        assert library.store.page_count() == 5 + 8
        assert "Old page 3" in [hit.snippet for hit in library.search("old", top_k=5)]
        (entry,) = library.documents()
        assert (entry.mixed, entry.document.page_count) == (True, 5)
        assert actions(library.indexing(file)) == [("docs/a.pdf", "replaced", 10)]
        assert library.status().pages == 10
        assert all("Old" not in hit.snippet for hit in library.search("old page", top_k=20))


def test_pages_that_are_read_again_replace_the_stored_ones_in_one_commit(file):
    """They have the ids of the stored pages, so a commit of some of them would overwrite what is complete."""
    store = GatedStore()
    write(file, NEW)
    run(store, file)
    store.commits.clear()
    assert actions(run(store, file, again=True)) == [("a.pdf", "replaced", 10)]
    assert [(len(pages), replaces) for pages, replaces in store.commits] == [(10, True)]
