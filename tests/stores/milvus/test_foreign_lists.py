"""Collections with embedding lists that other programs made: the tutorials' own, and others, on a stub.

The collections are made by the code of Milvus' page "Search with Embedding Lists".
"""

import json
import logging
from dataclasses import replace

import numpy as np
import pytest

from maxsight import Library
from maxsight.encoders.fake import FakeEncoder
from maxsight.errors import InputError, LibraryReadOnlyError, StoreError
from maxsight.stores.addresses import Layout
from maxsight.stores.base import Compared, Persistent, Readable, Searchable, Writable
from maxsight.stores.filters import parse_filter
from maxsight.types import PageEmbedding, Regions
from store_pages import MANIFEST, make_page

pymilvus = pytest.importorskip("pymilvus", reason="the extra milvus is not installed")
pytest.importorskip("milvus_lite", reason="the stub reads filters with Milvus Lite")

from pymilvus import DataType  # noqa: E402

from maxsight.stores.milvus import (  # noqa: E402
    create_milvus_store,
    expressions,
    milvus_library_exists,
    open_milvus_store,
)
from stores.milvus import tutorials  # noqa: E402
from stores.milvus.stub import milvus, serving  # noqa: E402

RANDOM = np.random.default_rng(0)


def unit(*shape):
    vectors = RANDOM.standard_normal(shape)
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


WIKI = {
    "Software": [("Software is what runs.", unit(8)), ("It has licences.", unit(8))],
    "Adobe": [("Adobe makes software.", unit(8)), ("", unit(8)), ("It is old.", unit(8))],
}
SCALED_WIKI = {title: [(text, 3 * emb) for text, emb in given] for title, given in WIKI.items()}
REPORTS = [(7, "annual", 3), (8, "annual", 1), (9, "risk", 2)]
PATCHES = {corpus_id: unit(1031, 8) for corpus_id, _, _ in REPORTS}


@pytest.fixture(scope="module")
def stub():
    with serving() as stub:
        client = pymilvus.MilvusClient(stub.uri)
        tutorials.make_wiki(client, "wiki_documents", SCALED_WIKI, dim=8)
        tutorials.make_reports(client, "financial_reports", reports(), dim=8)
        client.close()
        yield stub


def encoded(vectors, kind):
    """Vectors as pymilvus takes those of a kind."""
    if kind is DataType.BFLOAT16_VECTOR:
        return [(row.astype("<f4").view("<u4") >> 16).astype("<u2").tobytes() for row in vectors]
    return vectors.astype(np.float16 if kind is DataType.FLOAT16_VECTOR else np.float32)


def reports(kind=DataType.FLOAT_VECTOR, scale=1.0):
    return [(*named, encoded(scale * PATCHES[named[0]], kind)) for named in REPORTS]


@pytest.fixture
def opened(stub):
    stores = []

    def open_store(collection, **options):
        stores.append(open_milvus_store(stub.address(collection, **options)))
        return stores[-1]

    yield open_store
    for store in stores:
        store.close()


def scores(library, query, **options):
    return {(hit.path, hit.page_number): hit.score for hit in library.search(query, top_k=9, **options)}


def cosines(query, pages):
    return {name: float((query @ vectors.T).max(axis=1).sum()) for name, vectors in pages.items()}


def test_paragraphs_of_a_tutorials_wiki_are_searched_and_explained_by_their_text(stub):
    assert milvus_library_exists(stub.address("wiki_documents"))
    asked = unit(2, 8)
    with Library.open(f"{stub.uri}?collection=wiki_documents", read_only=True) as library:
        assert [entry.document.path for entry in library.documents()] == ["Adobe", "Software"]
        assert [entry.vectors for entry in library.documents()] == [3, 2]
        expected = cosines(
            asked, {(title, 1): np.array([emb for _, emb in given]) for title, given in WIKI.items()}
        )
        for exact in (False, True):
            assert scores(library, asked, exact=exact) == pytest.approx(expected, abs=2e-3)
        best = np.array([[*WIKI["Adobe"][2][1]]])
        (hit, *_) = library.search(best, top_k=1)
        assert hit.path == "Adobe"
        assert [match.region.text for match in hit.matches] == ["It is old"]
        assert library.explain(best, "Adobe", 1).score == pytest.approx(hit.score)


def test_pages_of_tutorials_reports_have_their_document_their_number_and_their_patches(stub):
    with Library.open(f"{stub.uri}?collection=financial_reports", read_only=True) as library:
        entries = {entry.document.path: entry.page_indices for entry in library.documents()}
        assert entries == {"annual": (0, 2), "risk": (1,)}
        patch = PATCHES[7][33].reshape(1, 8)  # the second patch of the second row
        hit, *others = library.search(patch, top_k=3)
        assert (hit.path, hit.page_number, hit.metadata["corpus_id"]) == ("annual", 3, 7)
        assert len(others) == 2
        np.testing.assert_allclose(hit.matches[0].region.box, [1 / 32, 1 / 32, 2 / 32, 2 / 32], atol=1e-4)
        prompt = library.search(PATCHES[8][1030].reshape(1, 8), top_k=1)[0]
        assert (prompt.page_number, str(prompt.matches[0].region)) == (1, "whole page")


def test_vectors_and_queries_are_sent_as_the_tutorials_code_sends_them(stub):
    """What pymilvus sent for that code is kept as data."""
    recorded = json.loads(tutorials.RECORDED.read_text())
    vectors = tutorials.PATCHES
    page = make_page("annual.pdf", 0, "three small words")
    page = replace(page, embedding=PageEmbedding(vectors, Regions(np.zeros((3, 4), np.float32), None)))
    store = create_milvus_store(stub.address("recorded", layout=Layout.EMBEDDING_LIST), MANIFEST)
    stub.requests.clear()
    store.put([page])
    (sent,) = stub.sent(milvus.UpsertRequest)
    assert tutorials.vectors_sent(sent, "patches", "vector") == recorded["vectors"]
    store.nearest([vectors], 1)
    (asked,) = stub.sent(milvus.SearchRequest)
    assert tutorials.query_sent(asked) == recorded["query"]
    store.close()


def test_the_tutorials_code_runs_on_a_given_server_and_its_collections_are_searched(given_milvus):
    """Runs by ``make test-milvus``, on a server from 2.6.4 on."""
    address = given_milvus(None)
    client = pymilvus.MilvusClient(address.uri, token=address.token or "")
    try:
        tutorials.make_wiki(client, address.collection, SCALED_WIKI, dim=8)
        asked = unit(2, 8)
        with Library.open(address, read_only=True) as library:
            expected = cosines(
                asked, {(title, 1): np.array([emb for _, emb in given]) for title, given in WIKI.items()}
            )
            assert scores(library, asked) == pytest.approx(expected, abs=2e-3)
        client.drop_collection(address.collection)
        tutorials.make_reports(client, address.collection, reports(), dim=8)
        with Library.open(address, read_only=True) as library:
            found = library.search(PATCHES[7][33].reshape(1, 8), top_k=3)
            assert (found[0].path, found[0].page_number, len(found)) == ("annual", 3, 3)
            kept = library.search(asked, top_k=3, where="corpus_id > 7 AND page_number_in_doc = 2")
            assert [(hit.path, hit.page_number) for hit in kept] == [("risk", 2)]
    finally:
        client.drop_collection(address.collection)
        client.close()


@pytest.mark.parametrize(
    "kind", [DataType.FLOAT_VECTOR, DataType.FLOAT16_VECTOR, DataType.BFLOAT16_VECTOR], ids=str
)
@pytest.mark.parametrize("metric", ["MAX_SIM_COSINE", "MAX_SIM_IP", "MAX_SIM_L2"])
def test_each_metric_and_kind_of_vectors_is_scored_as_what_it_is(stub, kind, metric):
    """Vectors of length 2: the three metrics give three different scores."""
    client = pymilvus.MilvusClient(stub.uri)
    name = f"{metric}_{kind.name}"
    tutorials.make_reports(client, name, reports(kind, scale=2.0), dim=8, kind=kind, metric=metric)
    client.close()
    asked = unit(2, 8)

    def score(page):
        products = asked @ page.T
        if metric == "MAX_SIM_COSINE":
            return products.max(axis=1).sum()
        if metric == "MAX_SIM_IP":
            return 2 * products.max(axis=1).sum()
        return (4 * products - 1 - 4).max(axis=1).sum()  # less the squared lengths

    expected = {(doc_id, number): score(PATCHES[corpus_id]) for corpus_id, doc_id, number in REPORTS}
    with Library.open(f"{stub.uri}?collection={name}", read_only=True) as library:
        assert metric in library.status().store
        found = scores(library, asked)
        assert found == pytest.approx(expected, abs=6e-2 if kind is DataType.BFLOAT16_VECTOR else 5e-3)
        assert scores(library, asked, exact=True) == pytest.approx(found, abs=1e-5)
        assert list(found) == sorted(found, key=found.get, reverse=True)
        first = next(iter(found))
        explanation = library.explain(asked, *first)
        assert explanation.score == pytest.approx(found[first], abs=1e-4)


def test_filters_use_an_entitys_columns_and_stay_short(stub, opened, monkeypatch):
    store = opened("financial_reports")
    assert set(store.fields()) == {"corpus_id", "doc_id", "page_number_in_doc"}
    kept = parse_filter("corpus_id > 7 AND doc_id = 'annual'", store.fields())
    (found,) = store.nearest([unit(2, 8)], 9, where=kept)
    assert [store.read([page])[0].metadata["corpus_id"] for page in found.page_ids] == [8]
    monkeypatch.setattr(expressions, "MAX_EXPRESSION_BYTES", 8)
    stub.requests.clear()
    by_page = parse_filter("page_number < 3", store.fields())
    (found,) = store.nearest([unit(2, 8)], 9, where=by_page)
    assert sorted(page.metadata["corpus_id"] for page in store.read(found.page_ids)) == [8, 9]
    assert [request.dsl for request in stub.sent(milvus.SearchRequest)] == [
        "corpus_id in [8]",
        "corpus_id in [9]",
    ]


def test_it_is_read_only_exported_and_copied_out(stub, opened, tmp_path):
    store = opened("wiki_documents")
    assert isinstance(store, Searchable) and isinstance(store, Readable) and isinstance(store, Compared)
    assert not isinstance(store, Writable | Persistent)
    asked = unit(2, 8)
    with Library.open(f"{stub.uri}?collection=wiki_documents", read_only=True) as library:
        assert library.export(tmp_path / "pages.parquet") == 2
        report = library.copy(tmp_path / "own.library")
        expected = scores(library, asked)
    assert (report.documents, report.written, report.vectors) == (2, 2, 5)
    with Library.open(tmp_path / "own.library") as own:
        assert scores(own, asked) == pytest.approx(expected, abs=1e-3)
    with Library.open(f"{stub.uri}?collection=wiki_documents", encoder=FakeEncoder(dim=8)) as library:
        with pytest.raises(LibraryReadOnlyError, match="wiki_documents is not written to"):
            library.remove(["Adobe"])
        assert len(library.search("software", top_k=9)) == 2


@pytest.fixture(scope="module")
def made(stub):
    """``made(name, fields)`` makes a collection with structs of the given vector fields."""
    client = pymilvus.MilvusClient(stub.uri)

    def make(name, vectors, metric="MAX_SIM_COSINE", key=DataType.VARCHAR, **indexed):
        schema = client.create_schema()
        schema.add_field(
            "id", key, is_primary=True, **({"max_length": 64} if key is DataType.VARCHAR else {})
        )
        struct = client.create_struct_field_schema()
        for vector in vectors:
            struct.add_field(vector, DataType.FLOAT_VECTOR, dim=8)
        schema.add_field(
            "clips", DataType.ARRAY, element_type=DataType.STRUCT, struct_schema=struct, max_capacity=9
        )
        index = client.prepare_index_params()
        for vector in vectors:
            index.add_index(f"clips[{vector}]", index_type="HNSW", metric_type=metric)
        client.create_collection(name, schema=schema, index_params=index)
        return client

    yield make
    client.close()


def test_of_several_vector_fields_the_user_names_one(stub, opened, made):
    client = made("two", ["emb", "picture"])
    one, other = unit(8), unit(8)
    client.insert("two", [{"id": "clip-1", "clips": [{"emb": one, "picture": other}]}])
    with pytest.raises(InputError, match=r"vectors in clips\[emb\], clips\[picture\]") as caught:
        opened("two")
    assert "?vector=clips[emb]" in caught.value.hint
    with pytest.raises(InputError, match="no vectors in 'clips'"):
        opened("two", vector="clips")
    store = opened("two", vector="clips[picture]")
    (page,) = store.read(store.nearest([other[None].astype(np.float32)], 1)[0].page_ids)
    assert page.document.path == "clip-1"
    np.testing.assert_allclose(page.embedding.vectors, [other], atol=1e-3)


def test_an_unknown_metric_and_a_missing_index_are_named(stub, opened, made):
    made("hamming", ["emb"], metric="MAX_SIM_HAMMING")
    with pytest.raises(StoreError, match="the metric MAX_SIM_HAMMING"):
        opened("hamming")
    stub.collections["hamming"].indexes.clear()
    with pytest.raises(StoreError, match=r"the vectors in clips\[emb\] have no index"):
        opened("hamming")


def test_a_very_large_collection_says_what_happens_first(opened, monkeypatch, caplog):
    monkeypatch.setattr("maxsight.stores.milvus.foreign.MANY_ROWS", 1)
    with caplog.at_level(logging.WARNING):
        assert opened("financial_reports").page_count() == 3
    assert "the names of the pages in 3 rows are read first" in caplog.text
