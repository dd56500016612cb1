"""Search in a device's memory, on torch's CPU: the same pages and scores as scoring every page."""

import logging
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the extra 'gpu' is not installed")

from maxsight import Library  # noqa: E402 - only with torch
from maxsight.errors import ModelNotAvailableError  # noqa: E402
from maxsight.retrieval import device_engine  # noqa: E402
from maxsight.retrieval.device_engine import DeviceEngine, bucket_of  # noqa: E402
from maxsight.retrieval.search import rank_pages, rank_pages_many  # noqa: E402
from maxsight.stores.filters import parse_filter  # noqa: E402
from maxsight.stores.memory import MemoryStore  # noqa: E402
from maxsight.types import PageEmbedding, QueryEmbedding, Regions  # noqa: E402
from retrieval_pages import unit  # noqa: E402
from store_pages import ENCODER, MANIFEST, make_page  # noqa: E402

DIM = ENCODER.space.dim


def page(number, vectors):
    """A page of these vectors; every fifth is of 2020."""
    spans = np.zeros((len(vectors), 2), np.int32)
    made = make_page(f"{number:03}.txt", 0, f"page {number}", boxed=False, year=2020 + number % 5)
    return replace(made, embedding=PageEmbedding(vectors, Regions(None, spans)))


def asked(vectors):
    return QueryEmbedding("page", vectors, ("page",), np.zeros(len(vectors), np.int32))


@pytest.fixture
def pages():
    """Sixty pages of 1 to 150 vectors; three are empty."""
    rng = np.random.default_rng(0)
    counts = rng.integers(1, 150, 60)
    counts[[3, 30, 59]] = 0
    return [page(number, unit(rng, count, DIM)) for number, count in enumerate(counts)]


@pytest.fixture
def store(pages):
    store = MemoryStore(MANIFEST)
    store.put(pages)
    return store


@pytest.fixture
def engine(store):
    engine = DeviceEngine(store, torch.device("cpu"))
    assert engine.refresh()
    return engine


@pytest.fixture
def queries():
    rng = np.random.default_rng(1)
    return [asked(unit(rng, tokens, DIM)) for tokens in (1, 20, 7)]


def test_the_exact_ranking_comes_with_the_exact_scores(engine, store, queries):
    for query in queries:
        found = rank_pages(engine, query, limit=10)
        assert found == rank_pages(store, query, limit=10, exact=True)


def test_several_queries_at_once_find_what_each_finds(engine, queries):
    together = rank_pages_many(engine, queries, limit=10)
    assert together == [rank_pages(engine, query, limit=10) for query in queries]


@pytest.mark.parametrize("size", [1, 20_000])
def test_what_is_found_does_not_depend_on_the_size_of_pieces(engine, queries, monkeypatch, size):
    expected = rank_pages_many(engine, queries, limit=10)
    monkeypatch.setattr(device_engine, "SIMILARITY_BYTES", size)
    assert rank_pages_many(engine, queries, limit=10) == expected


def test_a_page_without_vectors_is_never_found(engine, store, queries):
    found = rank_pages(engine, queries[0], limit=100)
    assert len(found) == 57
    assert {page.page_id for page in found}.isdisjoint({"003.txt@1#0", "030.txt@1#0", "059.txt@1#0"})


def test_a_filter_leaves_others_out(engine, store, queries):
    where = parse_filter("year = 2020", store.fields())
    for limit in (3, 100):
        found = rank_pages(engine, queries[1], limit=limit, where=where)
        assert found == rank_pages(store, queries[1], limit=limit, where=where, exact=True)
    assert rank_pages(engine, queries[1], limit=3, where=parse_filter("year = 1900", store.fields())) == []


def test_text_is_searched_too(engine, store, queries):
    found = engine.find_phrase(store.read(["003.txt@1#0"])[0].page.text.split()[0], 3)
    assert found == store.find_phrase(store.read(["003.txt@1#0"])[0].page.text.split()[0], 3)
    assert found


def test_a_change_of_the_library_is_seen_by_the_next_search(engine, store, pages):
    north = np.eye(1, DIM, 5, dtype=np.float32)
    store.put([page(90, north)])
    store.remove([pages[0].document.path])
    assert engine.refresh()
    found = rank_pages(engine, asked(north), limit=100)
    assert (found[0].page_id, found[0].score) == ("090.txt@1#0", pytest.approx(1, abs=1e-3))
    assert pages[0].page_id not in {page.page_id for page in found}


def test_vectors_are_copied_once_for_a_version(engine, store, monkeypatch):
    monkeypatch.setattr(store, "vectors", lambda **_: pytest.fail("read again"))
    assert engine.refresh()


def test_an_empty_library_has_no_answers(queries):
    engine = DeviceEngine(MemoryStore(MANIFEST), torch.device("cpu"))
    assert engine.refresh()
    assert rank_pages_many(engine, queries, limit=3) == [[], [], []]


def test_where_vectors_do_not_fit_the_cpu_searches_and_it_is_said_once(store, queries, monkeypatch, caplog):
    monkeypatch.setattr(device_engine, "free_bytes", lambda device: 1000)
    engine = DeviceEngine(store, torch.device("cpu"))
    with caplog.at_level(logging.WARNING):
        assert not engine.refresh()
        assert not engine.refresh()
    assert len(caplog.records) == 1
    assert "searching on the CPU" in caplog.text
    assert rank_pages(engine, queries[0], limit=5) == rank_pages(store, queries[0], limit=5)


def test_pages_are_filled_up_by_a_sixteenth_at_most():
    assert [bucket_of(count) for count in (1, 31, 32, 33, 100, 1030)] == [1, 31, 32, 34, 100, 1088]
    assert all(count <= bucket_of(count) <= count * 17 / 16 for count in range(1, 5000))


def test_pages_of_one_length_are_not_filled_up():
    store, rng = MemoryStore(MANIFEST), np.random.default_rng(2)
    store.put([page(number, unit(rng, 1030, DIM)) for number in range(3)])
    engine = DeviceEngine(store, torch.device("cpu"))
    assert engine.refresh()
    assert [tuple(bucket.shape) for bucket in engine._loaded.buckets] == [(3, 1030, DIM)]


def test_a_library_searches_on_a_device_that_is_there(tmp_path, monkeypatch):
    texts = ["rivers carry sand", "sails turn wind", "bread needs salt"]
    with Library.create(tmp_path / "l.library", encoder=ENCODER) as library:
        library.store.put([make_page(f"{n}.txt", 0, text, boxed=False) for n, text in enumerate(texts)])
        expected = library.search("wind and salt", exact=True)
    with Library.open(tmp_path / "l.library", encoder=ENCODER) as library:
        library.searcher._engine = DeviceEngine(library.store, torch.device("cpu"))
        monkeypatch.setattr(library.store, "nearest", lambda *_, **__: pytest.fail("searched by codes"))
        assert library.search("wind and salt") == expected


def test_a_device_that_is_not_there_is_refused(tmp_path):
    Library.create(tmp_path / "l.library", encoder="fake").close()
    with pytest.raises(ModelNotAvailableError, match="no device 'cuda:99'"):
        Library.open(tmp_path / "l.library", search_device="cuda:99")
