"""A library in a bucket, on a real server of S3's protocol; ``tests/contracts`` has what all stores do."""

import json
import logging
import os
import shutil
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from click.testing import CliRunner

from maxsight import Library
from maxsight.cli.app import main
from maxsight.errors import (
    InputError,
    LibraryBusyError,
    LibraryNotFoundError,
    StorageFullError,
    StoreError,
    StoreUnavailableError,
)
from maxsight.retrieval.codes import PageCodec
from maxsight.stores.bucket import lease, mirror
from maxsight.stores.bucket.store import BucketStore
from store_pages import CODEC, MANIFEST, make_page, nearest, plain, query

PAGES = [make_page(f"{number}.pdf", 0, f"word{number} and more", year=number) for number in range(20)]
NAMES = sorted(page.page_id for page in PAGES)


@pytest.fixture
def address(object_storage, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return object_storage(tmp_path.name)


@pytest.fixture
def store(address):
    with BucketStore.create(address, MANIFEST, codec=CODEC) as store:
        store.put(PAGES)
        yield store


def opened(address, **options):
    return BucketStore(address, codec=PageCodec, **options)


def cached(tmp_path, folder):
    return sorted(file for file in (tmp_path / "cache").rglob(f"*/{folder}/*") if file.is_file())


def run(*arguments, code=0, **environment):
    result = CliRunner().invoke(main, [str(argument) for argument in arguments], env=environment)
    assert result.exit_code == code, result.output
    return result.output


def test_every_command_works_on_a_bucket_and_no_secret_is_printed_or_stored(address, tmp_path):
    documents = tmp_path / "documents"
    documents.mkdir()
    (documents / "rivers.txt").write_text("Rivers carry sediment to the sea")
    (documents / "sails.txt").write_text("Sails turn wind into motion")
    options = [part for pair in address.options.items() for part in ("--storage-option", "=".join(pair))]
    there = ("--library", address.uri, *options)
    printed = [run("index", documents, *there)]
    assert "2 documents indexed" in printed[0]
    found = run("search", "sediment", "--json", "--cache-size", "1GB", *there)
    hits = json.loads(found[found.index("[") :])
    assert hits[0]["path"] == (documents / "rivers.txt").as_posix()
    printed += [found, run("list", *there), run("status", *there), run("verify", *there)]
    printed += [run("explain", "sediment", "rivers.txt", 1, *there), run("compact", *there)]
    printed += [run("export", tmp_path / "pages.parquet", *there), run("backup", tmp_path / "kept", *there)]
    printed += [run("copy", address.uri, tmp_path / "copy.library", *options)]
    printed += [run("copy", tmp_path / "copy.library", f"{address.uri}-2", *options)]
    assert "2 unchanged" in run("index", documents, *there)
    (documents / "sails.txt").write_text("Sails are sewn of canvas")
    assert "1 document indexed" in run("index", documents, *there)
    run("remove", "sails.txt", *there)
    with Library.open(address, read_only=True) as library:
        assert [entry.document.file for entry in library.documents()] == ["rivers.txt"]
    with Library.open(tmp_path / "kept") as backup:
        assert backup.status().pages == 2
    secret = address.options["aws_secret_access_key"]
    assert not any(secret in text for text in printed)
    assert secret not in repr(address)
    stored = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert stored
    assert not any(secret.encode() in file.read_bytes() for file in stored)


def test_copies_on_the_disk_that_are_damaged_cut_short_or_gone_are_fetched_again(
    store, address, tmp_path, caplog
):
    expected = [plain(page) for page in store.read(NAMES)]
    (data,) = cached(tmp_path, "data")
    whole = data.read_bytes()
    for harm in (
        lambda: data.write_bytes(whole[:-100]),
        lambda: data.write_bytes(whole[:-4] + b"LANK"),
        data.unlink,
        lambda: shutil.rmtree(tmp_path / "cache"),
    ):
        harm()
        with opened(address, read_only=True) as reader:
            assert nearest(reader, query("word7"), 1) == ["7.pdf@1#0"]
            assert [plain(page) for page in reader.read(NAMES)] == expected
        assert cached(tmp_path, "data")[0].read_bytes() == whole
    with opened(address) as reader:
        assert reader.verify().pages == 20
    assert cached(tmp_path, "data") == []


def test_an_open_reader_goes_on_when_its_copies_are_removed(store, address, tmp_path):
    with opened(address, read_only=True) as reader:
        assert nearest(reader, query("word7"), 1) == ["7.pdf@1#0"]
        shutil.rmtree(tmp_path / "cache")
        assert reader.read(["7.pdf@1#0"])[0].page.text == "word7 and more"
        assert reader.documents() == store.documents()


def test_a_full_disk_for_the_cache_is_told(store, address, tmp_path):
    """A device that is always full stands for the disk."""
    nearest(store, query("word7"), 1)
    folder = next((tmp_path / "cache").rglob("data"))
    shutil.rmtree(tmp_path / "cache")
    folder.mkdir(parents=True)
    full = next(name for name in os.listdir("/dev") if name == "full")
    with opened(address, read_only=True) as reader:
        file = mirror._files_of(reader._bucket.latest())[0].name
        os.symlink(f"/dev/{full}", folder.parent / f"{file}.{os.getpid()}.part")
        with pytest.raises(StorageFullError, match="no space is left"):
            nearest(reader, query("word7"), 1)
        assert reader.page_count() == 20


def test_what_was_used_longest_ago_leaves_the_cache_first(store, object_storage, address, tmp_path):
    nearest(store, query("word7"), 1)
    (first,) = cached(tmp_path, "data")
    os.utime(first, (1, 1))
    size = sum(file.stat().st_size for file in (tmp_path / "cache").rglob("*") if file.is_file())
    other = object_storage(f"{tmp_path.name}-other", cache_bytes=int(1.5 * size))
    with BucketStore.create(other, MANIFEST, codec=CODEC) as another:
        another.put(PAGES)
        assert nearest(another, query("word7"), 1) == ["7.pdf@1#0"]
    (left,) = cached(tmp_path, "data")
    assert left != first


def test_a_library_larger_than_the_cache_is_read_from_the_bucket_and_says_so(
    store, object_storage, tmp_path, caplog
):
    with opened(object_storage(tmp_path.name, cache_bytes=1000), read_only=True) as reader:
        assert nearest(reader, query("word7"), 1) == ["7.pdf@1#0"]
        read = [plain(page) for page in reader.read(NAMES)]
    assert "--cache-size" in caplog.text
    assert cached(tmp_path, "data") == []
    assert read == [plain(page) for page in store.read(NAMES)]


def test_a_reader_sees_what_another_process_wrote(store, address, monkeypatch):
    monkeypatch.setattr("maxsight.stores.bucket.dataset.FRESH_S", 0)
    with opened(address, read_only=True) as reader:
        assert nearest(reader, query("word7"), 1) == ["7.pdf@1#0"]
        store.remove(["7.pdf"])
        assert reader.page_count() == 19
        assert nearest(reader, query("word7"), 1) != ["7.pdf@1#0"]


def test_a_second_writer_is_refused_while_the_first_is_alive_and_takes_over_when_it_is_dead(
    store, address, monkeypatch
):
    monkeypatch.setattr(lease, "RENEW_S", 0.05)
    monkeypatch.setattr(lease, "POLL_S", 0.02)
    with (
        store.writing(),
        opened(address, lock_wait_s=0.1) as other,
        pytest.raises(LibraryBusyError, match=f"process {os.getpid()} on"),
    ):
        other.put(PAGES[:1])
    monkeypatch.setattr(lease, "EXPIRES_S", 0.4)
    dead = lease.Lease(store._objects, 0)
    dead._acquire()  # and is never renewed
    with opened(address) as other:
        other.remove(["0.pdf"])
        assert other.page_count() == 19


def test_a_writer_that_has_lost_its_lease_writes_no_more(store, monkeypatch):
    monkeypatch.setattr(lease, "RENEW_S", 0.02)
    with pytest.raises(LibraryBusyError, match="could not be held"), store.writing():
        held, lost = store._lock, threading.Event()
        store._objects.delete([lease.LEASE])
        store._objects.write_new(lease.LEASE, b'{"token": "of another"}')
        while held._renewed_at > 0 and not lost.wait(0.02):
            pass
        store.put(PAGES[:1])
    assert json.loads(store._objects.read(lease.LEASE)) == {"token": "of another"}


@contextmanager
def answering(status, body=b""):
    """A server that answers every request alike, as stores without conditional puts answer a put."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self):
            self.rfile.read(int(self.headers.get("content-length") or 0))
            self.send_response(status)
            self.send_header("ETag", '"1"')
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(b"" if self.command == "HEAD" else body)

        do_GET = do_PUT = do_HEAD = do_POST = do_DELETE = answer

        def log_message(self, *arguments):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def error_body(code):
    return f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode()


def test_what_is_wrong_with_a_bucket_is_said(object_storage, tmp_path):
    missing = object_storage("x")
    missing = type(missing)("s3://no-such-bucket/x", missing.options)
    for call in (
        lambda: BucketStore.create(missing, MANIFEST, codec=CODEC),
        lambda: BucketStore.exists(missing),
    ):
        with pytest.raises(StoreError, match="there is no bucket 'no-such-bucket'"):
            call()
    with pytest.raises(LibraryNotFoundError, match="there is no library at s3://bucket/nothing"):
        opened(object_storage("nothing"))
    with (
        answering(403, error_body("InvalidAccessKeyId")) as endpoint,
        pytest.raises(StoreError, match=r"refuses the credentials, .* \(InvalidAccessKeyId\)") as error,
    ):
        BucketStore.create(object_storage("x", aws_endpoint=endpoint), MANIFEST, codec=CODEC)
    assert "very-secret" not in f"{error.value} {error.value.hint}"
    with answering(200) as endpoint, pytest.raises(StoreError, match="does not know conditional puts"):
        BucketStore.create(object_storage("x", aws_endpoint=endpoint), MANIFEST, codec=CODEC)
    with pytest.raises(StoreUnavailableError, match="can't be reached"):
        BucketStore.exists(object_storage("x", aws_endpoint="http://127.0.0.1:1"))
    with pytest.raises(InputError, match="can't be opened with these storage options"):
        BucketStore.exists(object_storage("x", aws_colour="red"))
    with pytest.raises(StoreError, match="the endpoint has no TLS") as error:
        BucketStore.exists(object_storage("x", allow_http="false"))
    assert "allow_http=true" in error.value.hint


def test_the_option_for_an_endpoint_without_tls_may_be_named_as_the_environment_names_it(object_storage):
    named = object_storage("x")
    options = {name: value for name, value in named.options.items() if name != "allow_http"}
    named = type(named)(named.uri, {**options, "aws_allow_http": "true"})
    assert not BucketStore.exists(named)
    BucketStore.create(named, MANIFEST, codec=CODEC).close()
    assert BucketStore.exists(named)


@pytest.fixture(autouse=True)
def quiet(caplog):
    caplog.set_level(logging.WARNING)
