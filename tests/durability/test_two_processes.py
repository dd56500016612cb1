"""Two processes on one library: two writers, and readers beside a writer."""

import os
import socket
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from writer import all_pages, complete

from maxsight.errors import LibraryBusyError
from maxsight.retrieval.codes import PageCodec
from maxsight.stores.local import maintenance
from maxsight.stores.local.store import LocalStore
from store_pages import CODEC, MANIFEST, make_page, nearest, query

WRITER = Path(__file__).with_name("writer.py")
PER_COMMIT = all_pages()
EVERYTHING = sorted(page.page_id for pages in PER_COMMIT.values() for page in pages)


def start(library, *arguments):
    return subprocess.Popen(
        [sys.executable, str(WRITER), str(library), *arguments], stdout=subprocess.PIPE, text=True
    )


def names_in(store):
    return sorted(name for chunk in store.vectors() for name in chunk.page_ids)


@pytest.fixture
def library(tmp_path):
    return tmp_path / "test.library"


@pytest.fixture
def store(library):
    with LocalStore.create(library, MANIFEST, codec=CODEC) as store:
        yield store


def test_two_writers_at_once_write_in_turn_and_store_no_page_twice(library, store):
    writers = [start(library, "60"), start(library, "60")]
    for writer in writers:
        output, _ = writer.communicate(timeout=90)
        assert output.splitlines()[-1] == "done"
    assert names_in(store) == EVERYTHING
    assert store.verify().clean


def test_the_error_of_a_second_writer_says_who_holds_the_library(library, store):
    with store.writing():
        output, _ = (second := start(library, "0.1")).communicate(timeout=60)
    assert second.returncode == LibraryBusyError.exit_code
    assert f"is being written to by process {os.getpid()} on {socket.gethostname()}, since 20" in output


def test_the_lock_of_a_killed_writer_is_free(library, store):
    writer = start(library)
    writer.stdout.readline()
    writer.stdout.readline()  # it has committed something, so it holds the lock
    with pytest.raises(LibraryBusyError), LocalStore(library, codec=PageCodec, lock_wait_s=0).writing():
        pass
    writer.kill()
    writer.communicate()
    store.put([make_page("after.pdf", 0, "the lock is free")])
    assert "after.pdf@1#0" in names_in(store)


def test_readers_go_on_while_another_process_writes_and_see_whole_commits(library, store):
    writer = start(library)
    seen = 0
    while writer.poll() is None:
        names = names_in(store)
        assert len(names) == len(set(names))
        assert len(names) >= seen, "nothing that was there goes away"
        seen = len(names)
        entries = store.documents()
        assert all(entry.vectors > 0 for entry in entries)
        assert set(nearest(store, query("document"), 99)) <= set(EVERYTHING)
        assert set(store.find_phrase("document", 99)) <= set(EVERYTHING)
        assert [page.page_id for page in store.read(names)] == names
    writer.communicate()
    assert writer.returncode == 0
    assert names_in(store) == EVERYTHING


def test_an_open_store_sees_another_processs_commits_at_once(library, store):
    with LocalStore(library, codec=PageCodec, read_only=True) as reader:
        assert nearest(reader, query("news"), 9) == []
        store.put([make_page("a.pdf", 0, "news of today", year=2026)])
        assert nearest(reader, query("news"), 9) == ["a.pdf@1#0"]
        assert list(reader.fields()) == ["year"]
        store.remove(["a.pdf"])
        assert reader.documents() == []


def test_a_scan_goes_on_while_others_compact_and_remove_its_version(library, store, monkeypatch):
    complete(store)
    monkeypatch.setattr("maxsight.stores.local.reading.CHUNK_BYTES", 1)  # a page a chunk
    monkeypatch.setattr(maintenance, "KEEP_VERSIONS", timedelta(microseconds=1))
    with LocalStore(library, codec=PageCodec, read_only=True) as reader:
        chunks = reader.vectors()
        names = [*next(chunks).page_ids]
        for pages in PER_COMMIT.values():
            store.put(pages)
        store.compact()
        store.compact()
        names += [name for chunk in chunks for name in chunk.page_ids]
        assert sorted(names) == EVERYTHING
        assert [page.page_id for page in reader.read(EVERYTHING)] == EVERYTHING
