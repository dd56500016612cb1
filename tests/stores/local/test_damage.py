"""Corrupt files are named and set aside. Files that can't be read for another reason are left alone."""

import errno
import os
import struct
import tempfile
from contextlib import contextmanager
from pathlib import Path

import lance
import numpy as np
import pyarrow as pa
import pytest

from maxsight.errors import FormatError, InputError, LibraryDamagedError, StorageFullError, StoreError
from maxsight.retrieval.codes import PageCodec
from maxsight.stores.filters import parse_filter
from maxsight.stores.local.lance_errors import translated
from maxsight.stores.local.store import LocalStore
from store_pages import CODEC, MANIFEST, make_page, nearest, query

PAGES = [make_page(f"{number}.pdf", 0, f"word{number} and more", year=number) for number in range(40)]
NOBODY = 65534


@pytest.fixture
def path():
    """Return a place outside pytest's folder, which other users can't enter."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder) / "test.library"


@pytest.fixture
def store(path):
    with LocalStore.create(path, MANIFEST, codec=CODEC) as store:
        store.put(PAGES[:20])
        store.put(PAGES[20:])
        yield store


@contextmanager
def as_anybody():
    """Run as a user without root's right to read everything."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


def reopened(path, **options):
    return LocalStore(path, codec=PageCodec, **options)


def names_in(store):
    return sorted(name for chunk in store.vectors() for name in chunk.page_ids)


def newest_manifest(path):
    return min((path / "pages.lance" / "_versions").glob("*.manifest"))


def first_file(path):
    fragment = lance.dataset(path / "pages.lance").get_fragments()[0]
    return path / "pages.lance" / "data" / fragment.metadata.files[0].path


def listing(path):
    return sorted(file.relative_to(path) for file in path.rglob("*") if "writer" not in file.name)


def with_feature(manifest, flags):
    """A manifest that needs features of Lance: another value at the end of its message wins."""
    content = manifest.read_bytes()
    begin = struct.unpack("<Q", content[-16:-8])[0]
    length = struct.unpack_from("<I", content, begin)[0]
    message = content[begin + 4 : begin + 4 + length]
    for field in (9, 10):  # reader_feature_flags, writer_feature_flags
        message += bytes([field << 3]) + varint(flags)
    return content[:begin] + struct.pack("<I", len(message)) + message + content[-16:]


def varint(number):
    digits = []
    while number > 127:
        digits.append(number & 127 | 128)
        number >>= 7
    return bytes([*digits, number])


@pytest.mark.skipif(os.name == "nt", reason="Windows has other permissions")
@pytest.mark.parametrize("victim", [newest_manifest, first_file])
def test_a_file_without_permission_is_named_and_nothing_is_set_aside(path, store, victim):
    store.close()
    before = listing(path)
    file = victim(path)
    file.chmod(0)
    for folder in (path, path / "pages.lance"):
        folder.chmod(0o777)
    for name in ("writer.lock", "writer.json"):
        (path / name).chmod(0o666)
    with as_anybody():
        with pytest.raises(StoreError, match=r"test\.library may not be read: .*Permission denied") as error:
            reopened(path, read_only=True).read(["1.pdf@1#0"])
        assert not isinstance(error.value, LibraryDamagedError)
        assert file.name in str(error.value)
        with pytest.raises(StoreError, match="Permission denied"), reopened(path) as writer:
            writer.put(PAGES[:1])
    file.chmod(0o644)
    assert listing(path) == before
    with reopened(path) as again, again.writing():
        assert again.dropped == []
        assert len(names_in(again)) == 40


def test_a_manifest_of_a_newer_lance_asks_for_an_upgrade_and_stays(path, store):
    store.close()
    manifest = newest_manifest(path)
    newer = manifest.with_name(f"{int(manifest.stem) - 1:020}.manifest")
    newer.write_bytes(with_feature(manifest, 1 << 40))
    before = listing(path)
    with pytest.raises(FormatError, match="newer version of Lance") as error:
        reopened(path)
    assert "pip install --upgrade" in error.value.hint
    assert ".rs" not in str(error.value)
    assert listing(path) == before
    newer.unlink()
    assert len(names_in(reopened(path))) == 40


def cut_in_half(content):
    return content[: len(content) // 2]


def empty(content):
    return b""


def without_its_end(content):
    return content[:-16] + bytes(16)


def without_its_message(content):
    return bytes(len(content) - 16) + content[-16:]


def overwritten_in_its_message(content):
    begin = struct.unpack("<Q", content[-16:-8])[0]
    return content[: begin + 4] + b"\xff" * 40 + content[begin + 44 :]


def pointing_behind_its_end(content):
    return content[:-16] + struct.pack("<Q", 1 << 40) + content[-8:]


@pytest.mark.parametrize(
    "harm",
    [
        cut_in_half,
        empty,
        without_its_end,
        without_its_message,
        overwritten_in_its_message,
        pointing_behind_its_end,
    ],
)
def test_a_corrupt_newest_manifest_is_known_to_readers_and_set_aside_by_writers(path, store, harm):
    store.close()
    manifest = newest_manifest(path)
    manifest.write_bytes(harm(manifest.read_bytes()))
    with reopened(path, read_only=True) as reader:
        assert len(names_in(reader)) == 20
        assert [(item.file, item.pages) for item in reader.damage()] == [(f"_versions/{manifest.name}", None)]
        assert "its commit is undone" in str(reader.damage()[0])
        assert not reader.verify().clean
    assert manifest.exists()
    with reopened(path) as writer:
        with writer.writing():
            assert [item.file for item in writer.dropped] == [f"_versions/{manifest.name}"]
        writer.put(PAGES)
        assert len(names_in(writer)) == 40
        assert writer.verify().clean
    assert [file.name.partition(".")[0] for file in (path / "damaged").iterdir()] == [manifest.stem]


def test_an_old_manifest_cut_short_costs_no_page(path, store):
    *_, newest = versions = sorted((path / "pages.lance" / "_versions").glob("*.manifest"), reverse=True)
    assert newest == newest_manifest(path)
    versions[1].write_bytes(b"")
    with reopened(path) as writer, writer.writing():
        assert [str(item).partition("; ")[2] for item in writer.dropped] == ["no page is lost with it"]
        assert len(names_in(writer)) == 40


READING = {
    "documents": lambda store: store.documents(),
    "vectors": lambda store: list(store.vectors()),
    "candidates": lambda store: nearest(store, query("word1"), 3),
    "read": lambda store: store.read(["1.pdf@1#0"]),
    "find_phrase": lambda store: store.find_phrase("nothing like it", 3),
}


@pytest.mark.parametrize("call", sorted(READING))
@pytest.mark.parametrize("harm", [cut_in_half, empty, without_its_end])
def test_reading_a_file_cut_short_names_it_and_what_to_do(path, store, call, harm):
    victim = first_file(path)
    victim.write_bytes(harm(victim.read_bytes()))
    with reopened(path, read_only=True) as reader:
        with pytest.raises(LibraryDamagedError) as error:
            READING[call](reader)
    message = str(error.value)
    assert message.startswith(f"{path} can't be read: data/{victim.name}: ")
    assert message.endswith("20 pages can't be read")
    assert ".rs" not in message
    assert error.value.hint == (
        f"`maxsight verify --repair --library {path}` drops what is damaged; "
        "`maxsight index` reads those pages again."
    )


def test_verify_reads_what_is_left_and_counts_only_that(path, store):
    victim = first_file(path)
    victim.write_bytes(cut_in_half(victim.read_bytes()))
    steps = []
    with reopened(path, read_only=True) as reader:
        found = reader.verify(on_progress=lambda done, total: steps.append((done, total)))
    assert (found.pages, found.faults, [item.pages for item in found.damage]) == (20, (), [20])
    assert steps == [(20, 20)]


@pytest.mark.parametrize(("documents", "named"), [(2, "0.pdf, 1.pdf"), (5, "0.pdf, 1.pdf, 2.pdf and 2 more")])
def test_damage_names_the_documents_whose_names_can_be_read(path, documents, named):
    with LocalStore.create(path, MANIFEST, codec=CODEC) as store:
        store.put(PAGES[:documents])
        store.set_metadata({"0.pdf": {"year": 1}})
    added = lance.dataset(path / "pages.lance").get_fragments()[0].metadata.files[-1].path
    (path / "pages.lance" / "data" / added).write_bytes(b"")
    with reopened(path, read_only=True) as reader:
        (damage,) = reader.damage()
    assert damage.paths == tuple(f"{number}.pdf" for number in range(documents))
    assert str(damage).endswith(f"; {documents} pages of {named} can't be read")


def deletions(path):
    (file,) = (path / "pages.lance" / "_deletions").iterdir()
    return file


def test_a_corrupt_list_of_deleted_rows_costs_its_fragment_and_says_so(path, store):
    store.remove(["1.pdf"])
    deletions(path).write_bytes(b"")
    with reopened(path) as writer, writer.writing():
        (damage,) = writer.dropped
        assert "the list of deleted rows is not what was written" in str(damage)
        assert ".rs" not in str(damage)
        assert len(names_in(writer)) == 20


@pytest.mark.skipif(os.name == "nt", reason="Windows has other permissions")
def test_a_list_of_deleted_rows_without_permission_costs_nothing(path, store):
    store.remove(["1.pdf"])
    store.close()
    deletions(path).chmod(0)
    with as_anybody(), pytest.raises(StoreError, match="Permission denied"):
        reopened(path, read_only=True).damage()
    with as_anybody(), pytest.raises(StoreError, match="Permission denied"):
        reopened(path, read_only=True).documents()
    deletions(path).chmod(0o644)
    with reopened(path) as writer, writer.writing():
        assert writer.dropped == []
        assert len(names_in(writer)) == 39


RUST = (
    "LanceError(IO): Generic LocalFileSystem error: {}, /rustc/48a229/library/core/src/ops/function.rs:250:5"
)


def raised_by_lance(error):
    """Raise an error in a function that belongs to Lance by its traceback."""
    module = {"__name__": "lance.dataset"}
    exec("def read(error):\n    raise error", module)
    module["read"](error)


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (OSError(errno.EMFILE, "Too many open files"), StoreError, "can't be used now: [Errno 24] Too many"),
        (OSError(errno.EIO, "Input/output error"), StoreError, "can't be used now: [Errno 5]"),
        (ValueError(RUST.format("(os error 24)")), StoreError, "can't be used now"),
        (RuntimeError(RUST.format("(os error 5)")), StoreError, "can't be used now"),
        (ValueError(RUST.format("Permission denied (os error 13)")), StoreError, "may not be read"),
        (ValueError(RUST.format("(os error 28)")), StorageFullError, "no space is left"),
        (ValueError(RUST.format("Object at x not found")), LibraryDamagedError, "Object at x not found"),
        (ValueError(RUST.format("invalid range")), LibraryDamagedError, "can't be read: LanceError(IO)"),
    ],
    ids=str,
)
def test_errors_of_lance_and_the_system_are_distinguished_and_lose_their_source_paths(
    path, error, kind, message
):
    with pytest.raises(StoreError) as raised, translated(path):
        raised_by_lance(error)
    assert type(raised.value) is kind
    assert message in str(raised.value)
    assert ".rs" not in str(raised.value)
    assert raised.value.hint


OUR_MISTAKES = [
    KeyError("no such column"),
    ValueError("not found"),
    RuntimeError("os error 28"),
    TypeError("None"),
]


@pytest.mark.parametrize("mistake", OUR_MISTAKES, ids=repr)
@pytest.mark.parametrize("place", ["lance_store.to_row", "lance_store.to_table", "edits.StoredIds.may_hold"])
def test_our_own_mistake_in_writing_is_not_reported_as_damage(path, store, monkeypatch, mistake, place):
    """The hint for damage is to drop pages, but these pages are healthy."""

    def fails(*given):
        raise mistake

    with monkeypatch.context() as patch:
        patch.setattr(f"maxsight.stores.local.{place}", fails)
        with pytest.raises(type(mistake)) as raised:
            store.put([make_page("new.pdf", 0, "new words")])
    assert raised.value is mistake
    assert len(names_in(store)) == 40
    store.put([make_page("new.pdf", 0, "new words")])
    assert len(names_in(store)) == 41


@pytest.mark.parametrize("mistake", OUR_MISTAKES, ids=repr)
def test_our_own_mistake_in_reading_is_not_reported_as_damage(store, monkeypatch, mistake):
    def fails(*given):
        raise mistake

    monkeypatch.setattr("maxsight.stores.local.code_table.CodeTable.vectors", fails)
    monkeypatch.setattr("maxsight.stores.local.verification._fault", fails)
    monkeypatch.setattr("maxsight.stores.local.reading.list_documents", fails)
    for call in (
        lambda: store.read(["1.pdf@1#0"]),
        lambda: list(store.vectors()),
        lambda: nearest(store, query("word1"), 1),
        store.documents,
        store.verify,
    ):
        with pytest.raises(type(mistake)) as raised:
            call()
        assert raised.value is mistake


@pytest.mark.parametrize("name", ["two\nlines", "half \ud83d", "bell\x07"])
def test_a_place_that_lance_can_not_name_is_refused_as_such(tmp_path, name):
    for call in (
        lambda: LocalStore.create(tmp_path / name, MANIFEST, codec=CODEC),
        lambda: reopened(tmp_path / name),
    ):
        with pytest.raises(InputError, match="control characters, or is not valid here"):
            call()
    LocalStore.create(tmp_path / "narrow\u202fspace", MANIFEST, codec=CODEC).close()


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ("page_number > 99999999999", 0),
        ("page_number < 99999999999", 40),
        ("page_number <> 2147483648", 40),
        ("page_number IN (1, 99999999999)", 40),
        ("page_number > -99999999999", 40),
        ("NOT (page_number BETWEEN -99999999999 AND 99999999999)", 0),
    ],
)
def test_a_filter_beyond_the_columns_32_bits_is_no_damage(store, condition, found):
    where = parse_filter(condition, store.fields())
    assert sum(len(chunk) for chunk in store.vectors(where=where)) == found


def test_stored_text_that_is_not_utf8_is_damage(tmp_path):
    """Lance hands it on as it is; pyarrow fails when it becomes Python's text."""
    offsets, data = pa.py_buffer(np.array([0, 2], np.int32).tobytes()), pa.py_buffer(b"\xff\xfe")
    ids = pa.StringArray.from_buffers(1, offsets, data)
    with pytest.raises(LibraryDamagedError, match="utf-8"), translated(tmp_path):
        ids.to_pylist()
