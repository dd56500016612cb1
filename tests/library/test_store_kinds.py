"""A library works over any store, and asks it what it can do."""

from dataclasses import replace

import pytest

from maxsight import Library
from maxsight.encoders.fake import FakeEncoder
from maxsight.errors import EncoderMismatchError, InputError, LibraryReadOnlyError
from maxsight.identity import page_id
from maxsight.library.encoder import new_manifest
from maxsight.stores.addresses import MilvusAddress
from maxsight.stores.audit import Audit, Setting
from maxsight.stores.base import Maintained, Writable
from maxsight.stores.memory import MemoryStore
from store_pages import ENCODER, MANIFEST, make_page

READABLE = (
    "manifest", "description", "version", "page_count", "fields", "documents", "read", "last_audit",
    "vectors", "nearest", "find_phrase", "close",
)  # fmt: skip


class ReadOnlyStore:
    """Has what reading and searching need of another store, and nothing else."""

    def __init__(self, store):
        self._store = store

    def __getattr__(self, name):
        if name not in READABLE:
            raise AttributeError(name)
        return getattr(self._store, name)


def page(path, text):
    made = make_page(path, 0, text)
    return replace(made, page_id=page_id(path, made.document.content_hash, 0))


@pytest.fixture
def library():
    store = MemoryStore(MANIFEST)
    store.put([page("rivers.pdf", "Rivers carry sediment"), page("sails.pdf", "Sails turn")])
    library = Library(ReadOnlyStore(store), MilvusAddress("http://host:19530"))
    library.encoder = ENCODER
    return library


def test_a_store_that_is_only_read_is_searched_and_listed(library):
    assert [hit.path for hit in library.search("sediment", top_k=1)] == ["rivers.pdf"]
    assert [entry.document.path for entry in library.documents()] == ["rivers.pdf", "sails.pdf"]
    assert library.status().size_bytes is None
    assert library.damage == []
    assert library.audit(["sediment"]).pages == 2


def test_a_store_that_is_only_read_refuses_every_change_and_says_how_to_get_one_to_write_to(
    library, tmp_path
):
    (tmp_path / "a.txt").write_text("water")
    audit = Audit("2026-11-21", 2, 20, "given", 10, 0.99, 2, 9.0, (Setting(2, 1.0, 1.0, 1.0, 1.0, 2.0),))
    for change in (
        lambda: library.index(tmp_path / "a.txt"),
        lambda: library.remove(["rivers.pdf"]),
        lambda: library.adopt(audit),
    ):
        with pytest.raises(
            LibraryReadOnlyError, match="http://host:19530 is not written to: this process"
        ) as error:
            change()
        assert "maxsight copy" in error.value.hint


def test_a_store_without_a_disk_of_its_own_has_nothing_to_maintain(library, tmp_path):
    for call in (library.verify, library.compact, lambda: library.backup(tmp_path / "b")):
        with pytest.raises(InputError, match="only a library in a folder or a bucket can be"):
            call()


def test_a_store_that_is_only_read_is_copied(library, tmp_path):
    assert library.copy(tmp_path / "copy.library").pages == 2
    with Library.open(tmp_path / "copy.library") as copy:
        assert isinstance(copy.store, Writable)
        assert isinstance(copy.store, Maintained)
        assert copy.documents() == library.documents()


@pytest.fixture
def in_memory(tmp_path):
    (tmp_path / "rivers.txt").write_text("Rivers carry sediment to the sea")
    (tmp_path / "sails.txt").write_text("Sails turn wind into motion")
    library = Library(MemoryStore(new_manifest(ENCODER)), encoder=ENCODER)
    library.index(tmp_path)
    return library


def test_a_library_in_memory_indexes_finds_explains_and_draws(in_memory, tmp_path):
    (hit,) = in_memory.search("sediment", top_k=1)
    assert hit.path == (tmp_path / "rivers.txt").as_posix()
    assert in_memory.explain("sediment", "rivers.txt", 1).score == pytest.approx(hit.score)
    assert hit.heatmap().size > (0, 0)
    assert in_memory.remove(["sails.txt"]) == [(tmp_path / "sails.txt").as_posix()]
    assert [entry.document.file for entry in in_memory.documents()] == ["rivers.txt"]


def test_a_library_without_an_address_has_a_name_of_its_own_and_no_folder(in_memory):
    assert in_memory.name == in_memory.name != Library(MemoryStore(MANIFEST)).name
    assert in_memory.home is None
    assert in_memory.status().path == "this process's memory"
    with pytest.raises(InputError, match="no folder of its own"):
        in_memory.path  # noqa: B018


def test_a_store_of_another_encoder_is_refused():
    with pytest.raises(EncoderMismatchError):
        Library(MemoryStore(MANIFEST), encoder=FakeEncoder(dim=16))


def test_a_library_in_memory_is_copied_to_a_folder(in_memory, tmp_path):
    assert in_memory.copy(tmp_path / "other" / "kept.library").pages == 2
    with Library.open(tmp_path / "other" / "kept.library", encoder=ENCODER) as copy:
        assert copy.documents() == in_memory.documents()
        assert copy.search("sediment") == in_memory.search("sediment")
