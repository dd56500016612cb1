import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from maxsight.errors import LibraryBusyError
from maxsight.retrieval.codes import PageCodec
from maxsight.stores.local.store import LocalStore
from maxsight.stores.local.syncing import Synced
from store_pages import CODEC, MANIFEST, make_page


@pytest.fixture
def path(tmp_path):
    return tmp_path / "test.library"


@pytest.fixture
def store(path):
    with LocalStore.create(path, MANIFEST, codec=CODEC, lock_wait_s=0.1) as store:
        yield store


def names_in(store):
    return sorted(name for chunk in store.vectors() for name in chunk.page_ids)


def test_a_generator_that_writes_may_go_on_in_any_thread(path, store):
    def writes():
        with store.writing():
            for number in range(3):
                store.put([make_page(f"{number}.pdf", 0, "some words")])
                yield number

    run = writes()
    for number in range(3):
        with ThreadPoolExecutor(1) as thread:
            assert thread.submit(next, run).result() == number
    assert next(run, "finished") == "finished"
    assert len(names_in(store)) == 3
    with LocalStore(path, codec=PageCodec, lock_wait_s=0) as another, another.writing():
        pass


def test_two_threads_write_one_after_the_other_through_one_store(path, store, monkeypatch):
    both_ready = threading.Barrier(2, timeout=30)
    committing: list[int] = []
    at_once: list[int] = []
    sync = Synced.sync

    def slow_sync(synced, *given):
        committing.append(threading.get_ident())
        at_once.append(len(set(committing)))
        time.sleep(0.01)
        sync(synced, *given)
        committing.pop()

    monkeypatch.setattr(Synced, "sync", slow_sync)

    def write(thread):
        both_ready.wait()
        for number in range(5):
            name = f"{thread}-{number}.pdf"
            store.put([make_page(name, 0, "some words"), make_page("shared.pdf", 0, f"by {thread}")])
            store.set_metadata({name: {f"field {thread}": number}})

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(write, range(2)))
    assert set(at_once) == {1}
    own = [f"{thread}-{number}.pdf@1#0" for thread in range(2) for number in range(5)]
    assert names_in(store) == [*own, "shared.pdf@1#0"]
    assert {entry.document.path: dict(entry.metadata) for entry in store.documents()}["1-4.pdf"] == {
        "field 1": 4
    }
    assert store.verify().clean
    with LocalStore(path, codec=PageCodec, lock_wait_s=0) as another, another.writing():
        pass


def test_a_second_store_of_the_same_process_waits_and_says_who_writes(path, store):
    another = LocalStore(path, codec=PageCodec, lock_wait_s=0.1)
    with store.writing(), pytest.raises(LibraryBusyError, match=f"process {os.getpid()} on"):
        another.put([make_page("a.pdf", 0, "some words")])
    another.put([make_page("a.pdf", 0, "some words")])
    another.close()
    assert names_in(store) == ["a.pdf@1#0"]


def test_the_lock_is_free_after_a_failure_to_settle(path, store, monkeypatch):
    def fails(dataset):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("maxsight.stores.local.maintenance.ensure_text_index", fails)
        with pytest.raises(KeyboardInterrupt):
            store.put([make_page("a.pdf", 0, "some words")])
    with LocalStore(path, codec=PageCodec, lock_wait_s=0) as another, another.writing():
        pass
