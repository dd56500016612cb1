"""Errors of the connection to a Milvus server, and their messages."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from maxsight.errors import (
    InputError,
    LibraryBusyError,
    LibraryDamagedError,
    LibraryExistsError,
    LibraryNotFoundError,
    StoreError,
    StoreUnavailableError,
)
from maxsight.stores.addresses import Layout, MilvusAddress
from maxsight.stores.memory import MemoryStore
from store_pages import MANIFEST, make_page, nearest, plain, query

pytest.importorskip("pymilvus", reason="the extra 'milvus' is not installed")

from maxsight.stores.milvus import connection as connecting
from maxsight.stores.milvus import create_milvus_store, milvus_library_exists, open_milvus_store
from maxsight.stores.milvus.capabilities import parse_version
from stores.milvus.server import start_server
from stores.milvus.stub import milvus, schemas
from stores.milvus.stub_columns import RefusedError

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


def test_a_released_collection_is_loaded_again(milvus_server):
    address = milvus_server.address("released")
    store = create_milvus_store(address, MANIFEST)
    store.put(PAGES[:3])
    for collection in ("released", "released_pages"):
        store._connection.client.release_collection(collection)
    assert store.page_count() == 3
    assert len(nearest(store, query("words"), 2)) == 2
    store.close()


def test_a_collection_that_still_loads_can_be_asked_again_later(milvus_stub, monkeypatch):
    store = create_milvus_store(milvus_stub.address("loading", layout=Layout.EMBEDDING_LIST), MANIFEST)
    store.put(PAGES[:1])
    milvus_stub.collections["loading"].loaded = False
    refused = RefusedError(2, "timeout")
    monkeypatch.setitem(milvus_stub.fail, "load_collection", refused)
    with pytest.raises(StoreUnavailableError, match="still loads the collection 'loading'") as caught:
        store.page_count()
    assert (caught.value.http_status, caught.value.retryable) == (503, True)
    assert caught.value.slug() == "store-unavailable"
    assert "few seconds" in caught.value.hint
    milvus_stub.fail.clear()
    assert store.page_count() == 1
    store.close()


@pytest.mark.usefixtures("milvus_server")
def test_a_store_goes_on_after_its_server_has_restarted(tmp_path):
    (tmp_path / "first").mkdir()
    server = start_server(tmp_path / "first")
    store = create_milvus_store(server.address("restarted"), MANIFEST)
    store.put(PAGES[:30])
    os.kill(server.pid, signal.SIGKILL)
    server.stop()
    (tmp_path / "again").mkdir()
    (tmp_path / "again" / "data").symlink_to(tmp_path / "first" / "data")
    server = start_server(tmp_path / "again", server.port)
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                found = nearest(store, query("words of page 7"), 1)
                break
            except StoreUnavailableError:  # and nothing else
                assert time.monotonic() < deadline
        assert found == [PAGES[7].page_id]
        assert store.page_count() == 30
        store.close()
    finally:
        server.stop()


def test_pages_whose_vectors_are_gone_are_named_with_what_to_do(milvus_server):
    address = milvus_server.address("half")
    store = create_milvus_store(address, MANIFEST)
    store._connection.client.drop_collection("half")
    store.close()
    for touch in (open_milvus_store, lambda address: create_milvus_store(address, MANIFEST)):
        with pytest.raises(LibraryDamagedError, match="'half_pages' is left over: 'half'") as caught:
            touch(address)
        assert "drop_collection('half_pages')" in caught.value.hint


# Options ------------------------------------------------------------------------------------------------


def test_options_of_the_address_shape_the_collections(milvus_server):
    address = milvus_server.address("shaped", index="IVF_FLAT", nlist=64, shards=2)
    store = create_milvus_store(address, MANIFEST)
    client = store._connection.client
    assert client.describe_collection("shaped")["num_shards"] == 2
    index = client.describe_index("shaped", "vector")
    assert (index["index_type"], int(index["nlist"])) == ("IVF_FLAT", 64)
    store.put(PAGES[:30])
    assert nearest(store, query("words of page 7"), 1) == [PAGES[7].page_id]
    store.close()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"index": "HNSW_SQ8"}, r"Milvus 2\.3\.5 refuses the index HNSW_SQ8"),
        ({"mmap": True}, r"Milvus 2\.3\.5 has no option mmap"),
        ({"partition_key": "path"}, "partition_key is for the layout embedding-list"),
    ],
)
def test_what_a_server_lacks_is_refused_and_nothing_is_left(milvus_server, options, message):
    address = milvus_server.address("lacking", **options)
    with pytest.raises(InputError, match=message):
        create_milvus_store(address, MANIFEST)
    assert not milvus_library_exists(milvus_server.address("lacking"))


def test_options_reach_a_newer_server(milvus_stub):
    address = milvus_stub.address(
        "newer",
        layout=Layout.EMBEDDING_LIST,
        index="HNSW_SQ8",
        shards=4,
        partition_key="path",
        mmap=True,
        replicas=2,
    )
    milvus_stub.requests.clear()
    create_milvus_store(address, MANIFEST).close()
    (made,) = milvus_stub.sent(milvus.CreateCollectionRequest)
    assert made.shards_num == 4
    assert {pair.key: pair.value for pair in made.properties}["mmap.enabled"] == "true"
    schema = schemas.CollectionSchema.FromString(made.schema)
    assert [field.name for field in schema.fields if field.is_partition_key] == ["path"]
    (index,) = [
        each for each in milvus_stub.sent(milvus.CreateIndexRequest) if each.field_name == "patches[vector]"
    ]
    asked = {pair.key: pair.value for pair in index.extra_params}
    assert (asked["index_type"], asked["sq_type"]) == ("HNSW_SQ", "SQ8")
    assert {load.replica_number for load in milvus_stub.sent(milvus.LoadCollectionRequest)} == {2}


# Milvus Lite --------------------------------------------------------------------------------------------


@pytest.fixture
def lite(tmp_path):
    pytest.importorskip("milvus_lite", reason="the extra 'milvus' is not installed")
    return MilvusAddress(str(tmp_path / "pages.db"))


def test_milvus_lite_holds_a_library_that_outlives_the_process(lite):
    write = f"""
from maxsight.stores.addresses import Layout, MilvusAddress
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
from maxsight.stores.addresses import Layout, MilvusAddress
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
