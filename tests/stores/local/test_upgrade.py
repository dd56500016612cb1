import importlib.util
import shutil
from dataclasses import replace
from pathlib import Path

import lance
import numpy as np
import pytest

from maxsight.retrieval.codes import PageCodec
from maxsight.stores.audit import Audit, Setting
from maxsight.stores.local import schema
from maxsight.stores.local.store import LocalStore
from maxsight.stores.manifest import FORMAT_VERSION, Manifest
from maxsight.stores.memory import MemoryStore
from maxsight.types import EmbeddingSpace, PageEmbedding, Regions
from store_pages import make_page, nearest, plain

DATA = Path(__file__).parents[1] / "data"


def maker():
    spec = importlib.util.spec_from_file_location("maker", DATA / "make_library_format_1.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def path(tmp_path):
    return Path(shutil.copytree(DATA / "library-format-1", tmp_path / "old.library"))


@pytest.fixture
def expected():
    memory = MemoryStore(Manifest(EmbeddingSpace("fake", "1", 16), dpi=200, ocr="auto"))
    memory.put(list(maker().pages()))
    memory.set_metadata({"notes.txt": {"year": 1999}})
    memory.remove(["gone.txt"])
    return memory


def assert_holds(store, expected):
    names = sorted(name for chunk in expected.vectors() for name in chunk.page_ids)
    assert store.documents() == expected.documents()
    assert store.fields() == expected.fields()
    assert [plain(page) for page in store.read(names)] == [plain(page) for page in expected.read(names)]
    for page in expected.read(names):
        if len(page.embedding.vectors):
            vectors = page.embedding.vectors
            assert nearest(store, vectors, 6)[0] == nearest(expected, vectors, 1)[0]
    assert set(store.search_text("rivers", 5)) == {"reports/first.pdf#0", "reports/first.pdf#2"}
    assert store.verify().clean


def test_the_previous_format_is_read_as_it_is(path, expected):
    before = sorted(path.rglob("*"))
    with LocalStore.open(path, codec=PageCodec, read_only=True) as store:
        assert store.manifest.format_version == 1
        assert_holds(store, expected)
    assert sorted(path.rglob("*")) == before


def test_the_first_writer_upgrades_the_previous_format_in_place(path, expected):
    with LocalStore.open(path, codec=PageCodec) as store:
        with store.writing():
            assert store.manifest.format_version == FORMAT_VERSION
        assert store.dropped == []
        assert_holds(store, expected)
    with LocalStore.open(path, codec=PageCodec, read_only=True) as again:
        assert again.manifest == Manifest(
            EmbeddingSpace("fake", "1", 16), dpi=200, ocr="auto", created_by="0.1.0"
        )
        assert_holds(again, expected)
    table = lance.dataset(path / "pages.lance").to_table(
        columns=["code_version", "vector_count", "pooled_signs"]
    )
    assert set(table.column("code_version").to_pylist()) == {PageCodec.version}
    outlines = [len(outline) for outline in table.column("pooled_signs").to_pylist()]
    assert outlines == PageCodec(16).sign_bytes(np.asarray(table.column("vector_count"))).tolist()


FORMER = {
    2: {"code_lo": "X'00'", "code_hi": "X'00'", "code_version": "CAST(1 AS INT)"},
    3: {"signs": "X'00'", "fine_codes": "X'00'", "code_version": "CAST(2 AS INT)"},
}
"""The columns of codes of former formats; what is in them is not looked at."""


def former_library(path, version):
    """A library as a former version left it, of an empty page, a short one and some that have an outline."""
    rng = np.random.default_rng(0)
    manifest = Manifest(EmbeddingSpace("fake", "1", 16), dpi=200, ocr="auto")
    pages = []
    for number, length in enumerate((0, 9, 90, 300, 301)):
        vectors = rng.standard_normal((length, 16)).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        boxes = np.tile(np.array([[0, 0, 1, 1]], np.float32), (length, 1))
        page = make_page(f"{number}.pdf", 0, "")
        pages.append(replace(page, embedding=PageEmbedding(vectors, Regions(boxes, None))))
    memory = MemoryStore(manifest)
    memory.put(pages)
    with LocalStore.create(path, manifest, codec=PageCodec(16)) as store:
        store.put(pages)
    dataset = lance.dataset(path / "pages.lance")
    dataset.drop_columns([column.name for column in schema.CODE_COLUMNS])
    dataset.add_columns(FORMER[version])
    old = replace(manifest, format_version=version)
    dataset.update_schema_metadata(schema.manifest_entry(old))
    return memory, pages


def assert_finds(store, memory, pages):
    for page in pages[1:]:
        assert (
            nearest(store, page.embedding.vectors[:5], 1)[0]
            == nearest(memory, page.embedding.vectors[:5], 1)[0]
        )
    assert store.verify().clean


@pytest.mark.parametrize("version", FORMER)
def test_former_codes_are_made_anew_for_readers_and_replaced_by_the_first_writer(tmp_path, version):
    memory, pages = former_library(tmp_path / "old.library", version)
    with LocalStore.open(tmp_path / "old.library", codec=PageCodec, read_only=True) as reader:
        assert_finds(reader, memory, pages)
        with LocalStore.open(tmp_path / "old.library", codec=PageCodec) as writer, writer.writing():
            assert_finds(writer, memory, pages)
        assert_finds(reader, memory, pages)
    columns = lance.dataset(tmp_path / "old.library" / "pages.lance").schema.names
    assert {column.name for column in schema.CODE_COLUMNS} <= set(columns)
    assert not {"code_lo", "code_hi", "signs"} & set(columns)


@pytest.mark.parametrize("last", ["drop_columns", "add_columns", "update_schema_metadata"])
def test_an_upgrade_that_was_killed_after_any_of_its_commits_goes_on(tmp_path, monkeypatch, last):
    path = tmp_path / "old.library"
    memory, pages = former_library(path, 3)
    commit = getattr(lance.LanceDataset, last)

    def killed(*given, **named):
        commit(*given, **named)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, LocalStore.open(path, codec=PageCodec) as store:
        patch.setattr(lance.LanceDataset, last, killed)
        with pytest.raises(KeyboardInterrupt), store.writing():
            pass
    with LocalStore.open(path, codec=PageCodec, read_only=True) as reader:
        assert reader.manifest.format_version == (FORMAT_VERSION if last == "update_schema_metadata" else 3)
        assert_finds(reader, memory, pages)
    with LocalStore.open(path, codec=PageCodec) as store, store.writing():
        assert store.manifest.format_version == FORMAT_VERSION
        assert_finds(store, memory, pages)


def test_what_was_measured_of_former_codes_is_forgotten(path):
    measured = Audit("2026-11-21", 6, 30, "given", 10, 0.99, 6, 1.0, (Setting(6, 1.0, 1.0, 1.0, 1.0, 1.0),))
    lance.dataset(path / "pages.lance").update_schema_metadata(schema.audit_entry(measured))
    with LocalStore.open(path, codec=PageCodec) as store:
        assert store.last_audit() is None
        with store.writing():
            assert store.last_audit() is None


def test_a_reader_goes_on_while_another_process_upgrades(path, expected):
    with LocalStore.open(path, codec=PageCodec, read_only=True) as reader:
        reader.documents()
        with LocalStore.open(path, codec=PageCodec) as writer, writer.writing():
            assert_holds(reader, expected)


def test_an_upgraded_library_has_the_columns_of_a_new_one(path):
    with LocalStore.open(path, codec=PageCodec) as store, store.writing():
        upgraded = lance.dataset(path / "pages.lance").schema
        fresh = schema.dataset_schema(store.manifest)
    own = {column.name: column.type for column in upgraded if not column.name.startswith("meta_")}
    assert own == {column.name: column.type for column in fresh}
