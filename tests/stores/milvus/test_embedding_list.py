"""Libraries with one entity a page: what is sent to the byte, what is read, what is refused.

The server is a stub on the loopback, which scores exactly and checks requests as Milvus documents it. What every store
does is tested in ``contracts``, on the stub too.
"""

import logging
from dataclasses import replace

import numpy as np
import pytest

from maxsight.errors import InputError, LibraryDamagedError, LibraryReadOnlyError, StoreError
from maxsight.retrieval.maxsim import maxsim
from maxsight.stores.addresses import Layout
from maxsight.stores.filters import parse_filter
from maxsight.stores.rounding import as_stored
from maxsight.types import PageEmbedding, Regions
from store_pages import ENCODER, MANIFEST, make_page, nearest, query

pytest.importorskip("pymilvus", reason="the extra milvus is not installed")
pytest.importorskip("milvus_lite", reason="the stub reads filters with Milvus Lite")

from maxsight.stores.milvus import create_milvus_store, embedding_list, open_milvus_store
from maxsight.stores.milvus import pages as pages_module
from stores.milvus.stub import common, milvus, schemas, serving
from stores.milvus.stub_columns import RefusedError

DIM = MANIFEST.space.dim
PAGES = [
    make_page("rivers.pdf", 0, "Rivers carry sediment to the sea", page_count=2, year=2019),
    make_page("rivers.pdf", 1, "", page_count=2, year=2019),
    make_page("sails.pdf", 0, "Sails turn wind into motion", year=2021, note="a_b"),
    make_page("notes.txt", 0, "Bread needs flour water salt and time", boxed=False),
]


def create(stub, collection="maxsight", **options):
    return create_milvus_store(stub.address(collection, layout=Layout.EMBEDDING_LIST, **options), MANIFEST)


@pytest.fixture(scope="module")
def server():
    with serving() as stub:
        create(stub, "made").close()
        yield stub


@pytest.fixture
def stub(server):
    """The stub with one empty library, ``papers``, and no request yet."""
    stub = server
    stub.collections = {"papers": stub.copy_of("made"), "made": stub.collections["made"]}
    stub.requests.clear()
    stub.fail.clear()
    return stub


@pytest.fixture
def store(stub):
    store = open_milvus_store(stub.address("papers"))
    yield store
    store.close()


@pytest.fixture
def filled(store, stub):
    store.put(PAGES)
    stub.requests.clear()
    return store


def parts_sent(stub, row):
    """The arrays of a page's structs as an upsert holds them, by name."""
    (sent,) = stub.sent(milvus.UpsertRequest)
    (structs,) = [data for data in sent.fields_data if data.field_name == "patches"]
    assert structs.type == schemas.ArrayOfStruct
    parts = {}
    for part in structs.struct_arrays.fields:
        if part.type == schemas.ArrayOfVector:
            vectors = part.vectors.vector_array
            assert (vectors.dim, vectors.element_type) == (DIM, schemas.FloatVector)
            assert vectors.data[row].dim == DIM
            parts[part.field_name] = np.array(vectors.data[row].float_vector.data, np.float32)
        else:
            values = part.scalars.array_data.data[row]
            parts[part.field_name] = list(getattr(values, values.WhichOneof("data")).data)
    return parts


# What is sent -------------------------------------------------------------------------------------------


def test_a_collection_is_made_with_an_array_of_structs_and_indexes_for_embedding_lists(stub):
    create(stub, "another", index="HNSW", m=8, ef_construction=99).close()
    (made,) = stub.sent(milvus.CreateCollectionRequest)
    schema = schemas.CollectionSchema.FromString(made.schema)
    (patches,) = schema.struct_array_fields
    kinds = {part.name: (part.data_type, part.element_type) for part in patches.fields}
    numbers = {name: (schemas.Array, schemas.Float) for name in ("x0", "y0", "x1", "y1")}
    numbers |= {name: (schemas.Array, schemas.Int32) for name in ("start", "end")}
    assert kinds == {"vector": (schemas.ArrayOfVector, schemas.FloatVector), **numbers}
    capacities = {
        pair.value for part in patches.fields for pair in part.type_params if pair.key == "max_capacity"
    }
    assert capacities == {"4096"}
    index = stub.collections["another"].indexes["patches[vector]"]
    hnsw = {"index_type": "HNSW", "metric_type": "MAX_SIM_COSINE", "M": "8", "efConstruction": "99"}
    assert index == hnsw


def test_the_server_chooses_the_index_by_default(stub):
    index = stub.collections["made"].indexes["patches[vector]"]
    assert index == {"index_type": "AUTOINDEX", "metric_type": "MAX_SIM_COSINE"}


def test_a_page_is_sent_as_its_stored_vectors_and_their_regions(store, stub):
    store.put(PAGES[:1])
    page = as_stored(PAGES[0], DIM, store.fields())
    sent = parts_sent(stub, 0)
    expected = page.embedding.vectors.astype("<f4")
    assert sent["vector"].astype("<f4").tobytes() == expected.tobytes()
    boxes = np.stack([sent[name] for name in ("x0", "y0", "x1", "y1")], axis=1)
    np.testing.assert_array_equal(boxes.astype(np.float32), page.embedding.regions.boxes)
    spans = np.stack([sent[name] for name in ("start", "end")], axis=1)
    np.testing.assert_array_equal(spans, page.embedding.regions.spans)


def test_a_page_without_vectors_is_sent_with_a_placeholder(store, stub):
    store.put([PAGES[1]])
    sent = parts_sent(stub, 0)
    np.testing.assert_array_equal(sent["vector"], np.eye(1, DIM)[0])
    assert [len(vectors) for chunk in store.vectors() for vectors in chunk] == [0]
    assert nearest(store, query("rivers"), 10) == []


def test_a_search_is_one_request_with_the_query_as_a_list_and_the_filter(filled, stub):
    vectors = query("wind motion")
    where = parse_filter("year >= 2020", filled.fields())
    assert nearest(filled, vectors, 2, where=where) == ["sails.pdf@1#0"]
    (sent,) = stub.sent(milvus.SearchRequest)
    group = common.PlaceholderGroup.FromString(sent.placeholder_group)
    (placeholder,) = group.placeholders
    assert placeholder.type == common.EmbListFloatVector
    assert list(placeholder.values) == [vectors.astype("<f4").tobytes()]
    assert sent.dsl == 'vector_count > 0 and (metadata["year"] >= 2020)'
    params = {pair.key: pair.value for pair in sent.search_params}
    assert (params["anns_field"], params["metric_type"], params["topk"]) == (
        "patches[vector]",
        "MAX_SIM_COSINE",
        "256",
    )
    assert list(sent.output_fields) == ["vector_count"]


def test_many_queries_are_one_request(filled, stub):
    found = filled.nearest([query("wind"), query("bread flour")], 1)
    assert [answer.page_ids for answer in found] == [("sails.pdf@1#0",), ("notes.txt@1#0",)]
    (sent,) = stub.sent(milvus.SearchRequest)
    assert sent.nq == 2


def test_candidates_are_pages_that_the_server_ranks(filled, stub):
    filled.nearest([query("wind")], 1, candidates=700)
    filled.nearest([query("wind")], 1, candidates=10**6)
    topk = [
        pair.value
        for sent in stub.sent(milvus.SearchRequest)
        for pair in sent.search_params
        if pair.key == "topk"
    ]
    assert topk == ["700", "16384"]


def test_a_filter_that_servers_read_differently_is_decided_here(filled, stub):
    where = parse_filter("note LIKE 'a\\_b' OR file LIKE '_otes.txt'", filled.fields())
    assert set(nearest(filled, query("bread wind"), 10, where=where)) == {"sails.pdf@1#0", "notes.txt@1#0"}
    (sent,) = stub.sent(milvus.SearchRequest)
    assert "page_id in [" not in sent.dsl  # the server keeps more pages, whatever their number


def test_pages_that_pass_such_a_filter_are_found_however_rare_they_are(store, stub, monkeypatch):
    monkeypatch.setattr(pages_module, "MAX_WINDOW", 8)
    monkeypatch.setattr(embedding_list, "MAX_WINDOW", 8)
    monkeypatch.setattr(embedding_list, "RANKED_PAGES", 2)
    store.put([make_page(f"{n:02}.txt", 0, "bread and wind") for n in range(40)])
    store.put([make_page("last.txt", 0, "sails")])
    stub.requests.clear()
    where = parse_filter("file LIKE '_____txt'", store.fields())
    assert nearest(store, query("bread wind"), 2, where=where) == ["last.txt@1#0"]
    sent = [request.dsl for request in stub.sent(milvus.SearchRequest)]
    assert ["page_id in" in each for each in sent] == [False, False, True]


def test_pages_are_written_and_read_in_requests_of_bounded_size(store, stub, monkeypatch):
    """A page of 1,500 vectors of 32 dimensions takes up to 264,000 bytes, so that 3 fit in 800,000."""
    monkeypatch.setattr(embedding_list, "REQUEST_BYTES", 800_000)
    vectors = np.random.default_rng(0).standard_normal((1500, DIM)).astype(np.float32)
    regions = Regions(np.tile(np.float32([0, 0, 1, 1]), (1500, 1)), None)
    pages = [
        replace(make_page(f"{number}.pdf", 0, "words"), embedding=PageEmbedding(vectors, regions))
        for number in range(8)
    ]
    store.put(pages)
    written = stub.sent(milvus.UpsertRequest)
    assert [sent.num_rows for sent in written] == [3, 3, 2]
    assert max(sent.ByteSize() for sent in written) < 820_000
    stub.requests.clear()
    assert sum(len(chunk) for chunk in store.vectors()) == 8
    read = [sent for sent in stub.sent(milvus.QueryRequest) if "patches[vector]" in sent.output_fields]
    assert [sent.expr.count(".pdf@") for sent in read] == [4, 4]


# What comes back ----------------------------------------------------------------------------------------


def test_pages_from_the_server_are_scored_as_in_every_store(filled):
    (found,) = filled.nearest([query("rivers wind")], 10)
    stored = {page.page_id: as_stored(page, DIM, filled.fields()).embedding.vectors for page in PAGES}
    scores = maxsim(query("rivers wind"), [vectors.astype(np.float32) for vectors in found])
    expected = maxsim(query("rivers wind"), [stored[name].astype(np.float32) for name in found.page_ids])
    np.testing.assert_array_equal(scores, expected)
    assert sorted(found.page_ids) == sorted(name for name, vectors in stored.items() if len(vectors))


def test_a_server_that_does_not_rank_by_maxsim_causes_one_warning(filled, stub, caplog):
    exact = stub.search
    stub.search = lambda request: shifted(exact(request), 0.2)
    try:
        with caplog.at_level(logging.WARNING):
            filled.nearest([query("wind")], 3)
            filled.nearest([query("wind")], 3)
    finally:
        del stub.search
    (said,) = [record.getMessage() for record in caplog.records if record.name.startswith("maxsight")]
    assert "differ from MaxSim by up to 0.2" in said
    assert "maxsight audit" in said


def shifted(answer, by):
    answer.results.scores[:] = [score + by for score in answer.results.scores]
    return answer


def test_a_server_that_ranks_by_maxsim_causes_no_warning(filled, caplog):
    with caplog.at_level(logging.WARNING):
        filled.nearest([query("wind turns sails to rivers and bread")], 3)
    assert [record for record in caplog.records if record.name.startswith("maxsight")] == []


def test_an_error_names_the_page_whose_vectors_changed_on_the_server(filled, stub):
    page = stub.collections["papers"].rows["sails.pdf@1#0"]
    page["patches"]["vector"] = page["patches"]["vector"] * 0.5
    with pytest.raises(LibraryDamagedError, match=r"sails\.pdf, page 1"):
        nearest(filled, query("wind"), 3)


def test_the_old_pages_of_a_replaced_document_go_after_the_new_ones_are_written(filled, stub):
    changed = make_page(PAGES[0].document.path, 0, "Shorter now", version="2")
    filled.put([changed], replace_documents=True)
    written = [type(request).__name__ for request in stub.requests]
    assert written.index("UpsertRequest") < written.index("DeleteRequest")
    assert [entry.mixed for entry in filled.documents()] == [False] * len(filled.documents())


def test_a_changed_field_keeps_the_vectors_and_is_not_a_partial_update(filled, stub):
    before = [vectors.tobytes() for chunk in filled.vectors() for vectors in chunk]
    filled.set_metadata({"rivers.pdf": {"year": 2000}})
    assert [sent.partial_update for sent in stub.sent(milvus.UpsertRequest)] == [False]
    assert sorted(before) == sorted(vectors.tobytes() for chunk in filled.vectors() for vectors in chunk)
    assert [entry.metadata for entry in filled.documents()][1] == {"year": 2000}


# What is refused ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["v2.3.5", "v2.6.3"])
def test_a_server_without_embedding_lists_is_refused_with_its_version(version):
    with serving(version) as stub:
        with pytest.raises(StoreError, match=version.removeprefix("v")) as refused:
            create(stub)
        assert "layout=rows" in refused.value.hint
        assert stub.collections == {}


def test_a_server_that_drops_the_structs_is_refused_and_its_collection_removed():
    with serving() as stub:
        stub.keeps_structs = False
        with pytest.raises(StoreError, match="patches"):
            create(stub)
        assert stub.collections == {}


def test_a_collection_with_other_vectors_than_its_manifest_says_is_refused(stub):
    for field in stub.collections["papers"].schema.struct_array_fields[0].fields:
        for pair in field.type_params:
            if pair.key == "dim":
                pair.value = "8"
    with pytest.raises(StoreError, match=f"vectors of {DIM} dimensions"):
        open_milvus_store(stub.address("papers"))


def test_a_strategy_needs_a_server_with_several(stub):
    with pytest.raises(InputError, match=r"2\.6\.9 has one strategy"):
        create(stub, "fast", strategy="muvera")
    with serving("v3.0.1") as newer:
        create(newer, strategy="muvera").close()
        index = newer.collections["maxsight"].indexes["patches[vector]"]
    assert index["emb_list_strategy"] == "muvera"


def test_a_page_that_is_too_large_for_a_request_is_refused_by_name(stub):
    """4,096 vectors of 4,096 dimensions take 64 MiB by themselves."""
    space = replace(MANIFEST.space, dim=4096)
    store = create_milvus_store(stub.address("wide"), replace(MANIFEST, space=space))
    vectors = np.ones((4096, 4096), np.float32)
    regions = Regions(None, np.zeros((4096, 2), np.int32))
    page = replace(make_page("wide.txt", 0, "words"), embedding=PageEmbedding(vectors, regions))
    with pytest.raises(InputError, match=r"wide\.txt, page 1: its 4,096 vectors"):
        store.put([page])
    assert store.page_count() == 0
    store.close()


def test_an_error_of_the_server_is_reported_in_its_words(filled, stub):
    stub.fail["search"] = RefusedError(
        65535, "fail to search on QueryNode 1: out of memory\n at somewhere.cpp:12"
    )
    with pytest.raises(StoreError, match=r"fail to search on QueryNode 1: out of memory$"):
        nearest(filled, query("wind"), 3)


def test_a_library_that_is_opened_read_only_refuses_writes(stub, filled):
    reader = open_milvus_store(stub.address("papers"), read_only=True)
    with pytest.raises(LibraryReadOnlyError):
        reader.put(PAGES[:1])
    reader.close()


def test_layout_and_server_are_named(store):
    assert store.description.startswith("Milvus 2.6.9, layout embedding-list")
    assert store.manifest.space == ENCODER.space
