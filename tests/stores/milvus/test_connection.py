"""Errors of the connection to a Milvus server, and their messages."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from maxsight.errors import (
    LibraryBusyError,
    LibraryExistsError,
    LibraryNotFoundError,
    StoreError,
    StoreUnavailableError,
)
from maxsight.stores.addresses import MilvusAddress
from maxsight.stores.memory import MemoryStore
from store_pages import MANIFEST, make_page, nearest, plain, query

pytest.importorskip("pymilvus", reason="the extra 'milvus' is not installed")

from maxsight.stores.milvus import connection as connecting
from maxsight.stores.milvus import create_milvus_store, milvus_library_exists, open_milvus_store
from maxsight.stores.milvus.capabilities import parse_version
from stores.milvus.server import start_server

PAGES = [make_page(f"{number}.txt", 0, f"words of page {number}") for number in range(200)]


@pytest.mark.parametrize(
    ("text", "lite", "name", "full_text", "embedding_lists", "index"),
    [
        ("v2.3.5-lite", False, "Milvus 2.3.5", False, False, "Trie"),
        ("2.5.4", False, "Milvus 2.5.4", True, False, "INVERTED"),
        ("v2.6.3", False, "Milvus 2.6.3", True, False, "INVERTED"),
        ("v2.6.4-gpu", False, "Milvus 2.6.4", True, True, "INVERTED"),
        ("3.0-20260827", False, "Milvus 3.0", True, True, "INVERTED"),
        ("milvus_lite-3.2.2", True, "Milvus Lite 3.2.2", True, False, "INVERTED"),
    ],
)
def test_what_a_server_can_do_is_known_from_its_version(text, lite, name, full_text, embedding_lists, index):
    can = parse_version(text, lite=lite)
    assert str(can) == name
    assert (can.full_text, can.embedding_lists, can.text_index) == (full_text, embedding_lists, index)


@pytest.mark.parametrize("text", ["v2.2.16", "unknown"])
def test_a_server_that_is_too_old_or_has_no_readable_version_is_refused(text):
    with pytest.raises(StoreError, match=r"2\.2\.16; maxsight needs 2\.3|can't be read"):
        parse_version(text, lite=False)


def test_an_error_says_that_a_server_does_not_answer(monkeypatch):
    monkeypatch.setattr(connecting, "CONNECT_TIMEOUT_S", 1.0)
    with pytest.raises(
        StoreUnavailableError, match=r"no Milvus server answers at http://127\.0\.0\.1:9"
    ) as caught:
        open_milvus_store(MilvusAddress("http://127.0.0.1:9"))
    assert caught.value.retryable


@pytest.mark.parametrize(
    ("token", "message"),
    [("root:wrong", "refuses the token"), (None, "needs a token"), ("s3cr3t", "refuses")],
)
def test_a_wrong_token_is_reported_and_never_shown(milvus_server, token, message):
    with pytest.raises(StoreUnavailableError, match=message) as caught:
        open_milvus_store(milvus_server.address("library", token=token))
    assert "MAXSIGHT_TOKEN" in caught.value.hint
    assert token is None or token not in f"{caught.value} {caught.value.__notes__}"


def test_an_error_names_the_database_or_library_that_does_not_exist(milvus_server):
    assert not milvus_library_exists(milvus_server.address("nowhere"))
    with pytest.raises(LibraryNotFoundError, match=r"there is no library at .*nowhere"):
        open_milvus_store(milvus_server.address("nowhere"))
    with pytest.raises(LibraryNotFoundError, match="has no database 'elsewhere'"):
        open_milvus_store(milvus_server.address("nowhere", database="elsewhere"))


def test_a_library_is_made_only_once_and_can_be_opened_and_discarded(milvus_server):
    address = milvus_server.address("once")
    create_milvus_store(address, MANIFEST).close()
    assert milvus_library_exists(address)
    with pytest.raises(LibraryExistsError, match="already"):
        create_milvus_store(address, MANIFEST)
    store = open_milvus_store(address)
    assert store.manifest == MANIFEST
    store.discard()
    store.close()
    assert not milvus_library_exists(address)


@pytest.mark.usefixtures("milvus_server")  # where none can run, this skips
def test_a_server_that_is_killed_while_writing_loses_no_stored_page(tmp_path, monkeypatch):
    """And the same call again completes the rest."""
    monkeypatch.setattr(connecting, "TIMEOUT_S", 5.0)
    (tmp_path / "first").mkdir()
    server = start_server(tmp_path / "first")
    store = create_milvus_store(server.address("killed"), MANIFEST)
    store.put(PAGES[:20])
    killer = threading.Timer(0.3, os.kill, (server.pid, signal.SIGKILL))
    killer.start()
    with pytest.raises(StoreError):
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            store.put(PAGES[20:])
    killer.join()
    store.close()
    server.stop()

    (tmp_path / "again").mkdir()
    (tmp_path / "again" / "data").symlink_to(tmp_path / "first" / "data")
    server = start_server(tmp_path / "again")
    monkeypatch.setattr(connecting, "TIMEOUT_S", 60.0)
    try:
        store = open_milvus_store(server.address("killed"))
        memory = MemoryStore(MANIFEST)
        memory.put(PAGES)
        names = [page.page_id for page in PAGES]
        found = store.read(names)
        assert [page.page_id for page in found][:20] == names[:20]
        assert [plain(page) for page in found] == [
            plain(page) for page in memory.read([page.page_id for page in found])
        ]
        store.put(PAGES)
        assert [plain(page) for page in store.read(names)] == [plain(page) for page in memory.read(names)]
        assert store.page_count() == len(PAGES)
        assert nearest(store, query("words of page 77"), 1) == nearest(memory, query("words of page 77"), 1)
        store.close()
    finally:
        server.stop()


# Milvus Lite --------------------------------------------------------------------------------------------


@pytest.fixture
def lite(tmp_path):
    pytest.importorskip("milvus_lite", reason="the extra 'milvus' is not installed")
    return MilvusAddress(str(tmp_path / "pages.db"))


def test_milvus_lite_holds_a_library_that_outlives_the_process(lite):
    write = f"""
from maxsight.stores.addresses import MilvusAddress
from maxsight.stores.milvus import create_milvus_store
from store_pages import MANIFEST, make_page
store = create_milvus_store(MilvusAddress({lite.uri!r}), MANIFEST)
store.put([make_page(f"{{n}}.txt", 0, f"words of page {{n}}") for n in range(3)])
store.close()
"""
    subprocess.run([sys.executable, "-c", write], check=True, env={**os.environ, **_PATHS}, timeout=120)
    store = open_milvus_store(lite)
    memory = MemoryStore(MANIFEST)
    memory.put(PAGES[:3])
    names = [page.page_id for page in PAGES[:3]]
    assert [plain(page) for page in store.read(names)] == [plain(page) for page in memory.read(names)]
    assert "a search looks at every row" in store.description
    store.close()


def test_an_error_in_a_second_process_says_that_milvus_lite_is_in_use(lite):
    create_milvus_store(lite, MANIFEST).close()
    held = open_milvus_store(lite)
    read = f"""
from maxsight.errors import LibraryBusyError
from maxsight.stores.addresses import MilvusAddress
from maxsight.stores.milvus import open_milvus_store
try:
    open_milvus_store(MilvusAddress({lite.uri!r}))
except LibraryBusyError as error:
    print("busy:", error)
"""
    run = subprocess.run(
        [sys.executable, "-c", read],
        capture_output=True,
        text=True,
        env={**os.environ, **_PATHS},
        timeout=120,
    )
    held.close()
    assert run.stdout.startswith("busy:")
    assert "another process has it open" in run.stdout
    assert LibraryBusyError.retryable


_PATHS = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
