"""Layout ``rows`` on a real Milvus 2.3.5 server: what the contract of stores does not say of it."""

from dataclasses import replace

import numpy as np
import pytest

from maxsight import Library
from maxsight.errors import (
    InputError,
    LibraryDamagedError,
    LibraryExistsError,
    LibraryReadOnlyError,
    StoreError,
)
from maxsight.identity import page_ids
from maxsight.retrieval.search import rank_pages
from maxsight.stores.base import Maintained, Persistent, Readable, Searchable, Writable
from maxsight.stores.filters import parse_filter
from maxsight.stores.memory import MemoryStore
from maxsight.types import PageEmbedding, QueryEmbedding, Regions
from store_pages import ENCODER, MANIFEST, make_page, nearest, plain, query

pymilvus = pytest.importorskip("pymilvus", reason="the extra 'milvus' is not installed")

from maxsight.stores.milvus import (  # noqa: E402
    create_milvus_store,
    milvus_library_exists,
    open_milvus_store,
    token_search,
)
from maxsight.stores.milvus import rows as rows_layout  # noqa: E402
from maxsight.stores.milvus.keys import choose_place, match_places  # noqa: E402
from stores.milvus.emptied import emptied  # noqa: E402
from stores.milvus.server import TOKEN  # noqa: E402

PAGES = [
    make_page("a/rivers.pdf", 0, "Rivers carry sediment to the sea", page_count=2, year=2019),
    make_page("a/rivers.pdf", 1, "Deltas grow where rivers slow down", page_count=2, year=2019),
    make_page("b/sails.pdf", 0, "Sails turn wind into motion", year=2021),
]


@pytest.fixture(scope="module")
def kept_library(milvus_server):
    with_library = create_milvus_store(milvus_server.address("rows"), MANIFEST)
    yield with_library
    with_library.close()


@pytest.fixture
def library(kept_library):
    emptied(kept_library).put(PAGES)
    return kept_library


@pytest.fixture(scope="module")
def client(milvus_server):
    client = pymilvus.MilvusClient(milvus_server.uri, token=TOKEN)
    yield client
    client.close()


def stored_vectors(client, collection="rows", expression="seq_id >= 0"):
    found = client.query(
        collection, filter=expression, output_fields=["count(*)"], consistency_level="Strong"
    )
    return found[0]["count(*)"]


def vectors_of(pages):
    return sum(len(page.embedding.vectors) for page in pages)


def long_page(path, vectors, seed=0):
    """A page of many vectors."""
    random = np.random.default_rng(seed)
    page = make_page(path, 0, "many words")
    boxes = np.zeros((vectors, 4), np.float32)
    embedding = PageEmbedding(random.standard_normal((vectors, 32)).astype(np.float32), Regions(boxes, None))
    return replace(page, embedding=embedding)


def with_text(path, text):
    page = make_page(path, 0, "some words")
    return replace(page, page=replace(page.page, text=text))


# What lies there ----------------------------------------------------------------------------------------


def test_vectors_are_stored_in_the_form_of_tutorials(library, client):
    key = choose_place(PAGES[2].page_id)
    rows = client.query(
        "rows", filter='doc_id in ["b/sails.pdf@1#0"]', output_fields=["*"], consistency_level="Strong"
    )
    rows = sorted(rows, key=lambda row: row["seq_id"])
    assert [row["seq_id"] for row in rows] == [0, 1, 2, 3, 4]
    assert [row["doc"] for row in rows] == ["b/sails.pdf", "", "", "", ""]
    assert {row["pk"] >> 13 for row in rows} == {key >> 1}
    stored = library.read(["b/sails.pdf@1#0"])[0].embedding.vectors
    np.testing.assert_array_equal(np.array([row["vector"] for row in rows], np.float16), stored)


def test_the_index_is_the_one_asked_for(library, client):
    index = client.describe_index("rows", "vector")
    assert (index["index_type"], index["metric_type"]) == ("HNSW", "IP")
    assert (int(index["M"]), int(index["efConstruction"])) == (16, 500)


def test_the_longest_pages_come_back_whole_in_several_requests(library):
    pages = [long_page(f"{seed}.pdf", 4096, seed) for seed in range(5)]  # 20,480 rows, over the 16,384 of one
    library.put(pages)
    memory = MemoryStore(MANIFEST)
    memory.put(pages)
    names = [page.page_id for page in pages]
    assert [plain(page) for page in library.read(names)] == [plain(page) for page in memory.read(names)]
    found = nearest(library, pages[3].embedding.vectors[:20], 5)
    assert found[0] == pages[3].page_id


def test_scores_are_the_same_as_in_the_reference_store(library):
    memory = MemoryStore(MANIFEST)
    memory.put(PAGES)
    asked = ENCODER.encode_query("rivers and wind")
    for exact in (False, True):
        ours = rank_pages(library, asked, limit=3, exact=exact)
        reference = rank_pages(memory, asked, limit=3, exact=True)
        assert [page.page_id for page in ours] == [page.page_id for page in reference]
        np.testing.assert_allclose([p.score for p in ours], [p.score for p in reference], atol=1e-4)


def test_many_queries_at_once_find_the_same_pages_as_one_by_one(library):
    queries = [query("rivers"), query("wind motion"), query("sea")]
    together = [list(found.page_ids) for found in library.nearest(queries, 2)]
    assert together == [nearest(library, one, 2) for one in queries]


def test_more_hits_are_asked_for_until_they_reach_enough_pages(library, monkeypatch):
    library.put([long_page("big.pdf", 500), *(make_page(f"{n}.txt", 0, f"river {n}") for n in range(10))])
    monkeypatch.setattr(token_search, "MIN_HITS", 1)
    monkeypatch.setattr(token_search, "HITS_PER_PAGE", 0)
    assert len(nearest(library, query("rivers"), 5)) == 5


def test_another_client_sees_what_was_written(library, milvus_server):
    other = open_milvus_store(milvus_server.address("rows"))
    try:
        assert other.page_count() == 3
        library.put([make_page("new.txt", 0, "Bread needs flour")])
        assert nearest(other, query("bread"), 1) == ["new.txt@1#0"]
        library.remove(["new.txt"])
        assert other.page_count() == 3
        assert other.version == library.version
    finally:
        other.close()


# Writing ------------------------------------------------------------------------------------------------


def test_a_page_written_again_leaves_no_vector_behind(library, client):
    shorter = make_page("b/sails.pdf", 0, "Sails turn", year=2021)
    for page in (shorter, PAGES[2], shorter):
        library.put([page])
    assert stored_vectors(client) == vectors_of([*PAGES[:2], shorter])


def test_removed_pages_leave_no_vector_behind(library, client):
    library.remove(["a/rivers.pdf"])
    assert stored_vectors(client) == vectors_of(PAGES[2:])


@pytest.mark.parametrize("where", ["before the row", "after the row"])
def test_a_page_is_whole_old_or_new_wherever_writing_stops(library, client, monkeypatch, where):
    changed = make_page("b/sails.pdf", 0, "Wholly other words on sails and ropes", year=2021)
    before = plain(library.read([changed.page_id])[0])

    def stop(*_):
        raise KeyboardInterrupt

    place = (library._pages, "upsert") if where == "before the row" else (library, "_drop_vectors")
    with monkeypatch.context() as patched:
        patched.setattr(*place, stop)
        with pytest.raises(KeyboardInterrupt):
            library.put([changed])
    memory = MemoryStore(MANIFEST)
    memory.put([changed])
    after = plain(memory.read([changed.page_id])[0])
    assert plain(library.read([changed.page_id])[0]) == (before if where == "before the row" else after)
    assert set(nearest(library, query("rivers"), 9)) == {page.page_id for page in PAGES}
    library.put([changed])
    assert plain(library.read([changed.page_id])[0]) == after
    assert library.page_count() == 3


def test_vectors_of_an_interrupted_new_page_are_not_found(library, client, monkeypatch):
    page = make_page("new.txt", 0, "Bread needs flour water salt and time")
    with monkeypatch.context() as patched:
        patched.setattr(library._pages, "upsert", lambda rows: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            library.put([page])
    assert stored_vectors(client) == vectors_of([*PAGES, page])
    assert page.page_id not in nearest(library, query("bread flour"), 9)
    assert library.page_count() == 3
    library.put([page])
    assert nearest(library, query("bread flour"), 1) == [page.page_id]
    assert stored_vectors(client) == vectors_of([*PAGES, page])


def test_a_replaced_document_is_found_wherever_its_replacement_stops(library, monkeypatch):
    """The new pages are written before the old ones go. In between, the document is listed as not complete."""
    changed = make_page("a/rivers.pdf", 0, "Shorter now", version="2")

    def stop(*_):
        raise KeyboardInterrupt

    def replace_and_stop(method):
        with monkeypatch.context() as patched:
            patched.setattr(library._pages, method, stop)
            with pytest.raises(KeyboardInterrupt):
                library.put([changed], replace_documents=True)
        return library.documents()[0]

    before = replace_and_stop("upsert")
    assert (before.document, before.complete) == (PAGES[0].document, True)
    between = replace_and_stop("delete")
    assert (between.document.path, between.mixed, between.complete) == ("a/rivers.pdf", True, False)
    assert set(nearest(library, query("rivers"), 9)) == {page.page_id for page in [*PAGES, changed]}
    library.put([changed], replace_documents=True)
    after = library.documents()[0]
    assert (after.document, after.page_indices, after.complete) == (changed.document, (0,), True)


def test_rows_that_are_stored_twice_count_once(library, client):
    key = choose_place(PAGES[2].page_id)
    rows = client.query(
        "rows", filter=match_places([key, key + 1]), output_fields=["*"], consistency_level="Strong"
    )
    before = plain(library.read([PAGES[2].page_id])[0])
    client.insert("rows", [dict(row) for row in rows])  # a server keeps both
    assert plain(library.read([PAGES[2].page_id])[0]) == before
    assert nearest(library, query("wind"), 9).count(PAGES[2].page_id) == 1


def test_an_error_names_the_page_that_has_lost_vectors(library, client):
    client.delete("rows", filter='doc_id in ["b/sails.pdf@1#0"] and seq_id == 2')
    assert stored_vectors(client) == vectors_of(PAGES) - 1
    with pytest.raises(
        LibraryDamagedError, match=r"b/sails.pdf, page 1: its vectors are not what was written"
    ):
        library.read(["b/sails.pdf@1#0"])


def test_two_pages_never_share_a_place(library, monkeypatch):
    monkeypatch.setattr(
        rows_layout, "choose_place", lambda page_id, other_than=None: choose_place(PAGES[0].page_id)
    )
    with pytest.raises(StoreError, match=r"a/rivers.pdf@1#0 and new.txt@1#0 would have the same place"):
        library.put([make_page("new.txt", 0, "Bread")])
    with pytest.raises(StoreError, match="have the same place"):
        library.put([make_page("x.txt", 0, "Bread"), make_page("y.txt", 0, "Salt")])
    assert library.page_count() == 3


def test_a_page_that_is_too_large_for_milvus_is_refused_before_anything_is_written(library, client):
    noise = "".join(map(chr, np.random.default_rng(0).integers(0x4E00, 0x9FFF, 400_000)))
    with pytest.raises(InputError, match=r"huge.txt, page 1: its words, regions and text take [\d,]+ bytes"):
        library.put([make_page("fine.txt", 0, "fine"), with_text("huge.txt", noise)])
    assert library.page_count() == 3
    assert stored_vectors(client) == vectors_of(PAGES)


def test_text_longer_than_a_column_comes_back_whole(library):
    text = "naïve café 日本 " * 8000  # 168,000 bytes
    library.put([with_text("long.txt", text)])
    assert library.read(["long.txt@1#0"])[0].page.text == text


def test_vectors_with_nan_never_reach_the_server():
    with pytest.raises(InputError, match="finite"):
        PageEmbedding(np.full((1, 32), np.nan, np.float32), Regions(np.zeros((1, 4), np.float32), None))


def test_a_read_only_library_refuses_writes(library, milvus_server):
    reader = open_milvus_store(milvus_server.address("rows"), read_only=True)
    try:
        with pytest.raises(LibraryReadOnlyError):
            reader.put(PAGES)
        with pytest.raises(LibraryReadOnlyError), reader.writing():
            pass
    finally:
        reader.close()


# What others have made ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tutorial(milvus_server, client):
    """A collection as tutorials make it: automatic keys, whole numbers for pages."""
    schema = client.create_schema(auto_id=True, enable_dynamic_field=True)
    schema.add_field("pk", pymilvus.DataType.INT64, is_primary=True)
    schema.add_field("vector", pymilvus.DataType.FLOAT_VECTOR, dim=32)
    schema.add_field("seq_id", pymilvus.DataType.INT16)
    schema.add_field("doc_id", pymilvus.DataType.INT64)
    schema.add_field("doc", pymilvus.DataType.VARCHAR, max_length=65535)
    client.create_collection("tutorial", schema=schema)
    index = client.prepare_index_params()
    index.add_index("vector", index_type="HNSW", metric_type="IP", params={"M": 16, "efConstruction": 500})
    client.create_index("tutorial", index)
    client.insert(
        "tutorial",
        [
            {"vector": vector, "seq_id": number, "doc_id": page, "doc": "" if number else f"pages/{page}.png"}
            for page, of in enumerate(PAGES)
            for number, vector in enumerate(of.embedding.vectors.astype(np.float32))
        ],
    )
    store = open_milvus_store(milvus_server.address("tutorial"))
    yield store
    store.close()


def test_another_programs_collection_is_searched_as_it_is(tutorial, milvus_server):
    assert milvus_library_exists(milvus_server.address("tutorial"))
    assert tutorial.page_count() == 3
    assert tutorial.manifest.space.dim == 32
    memory = MemoryStore(MANIFEST)
    memory.put(PAGES)
    asked = ENCODER.encode_query("rivers")
    ours = rank_pages(tutorial, asked, limit=3)
    reference = rank_pages(memory, asked, limit=3, exact=True)
    names = {page.page_id: f"pages/{number}.png" for number, page in enumerate(PAGES)}
    found = tutorial.read([*(page.page_id for page in ours), "nobody"])
    assert [page.document.path for page in found] == [names[page.page_id] for page in reference]
    np.testing.assert_allclose([p.score for p in ours], [p.score for p in reference], atol=1e-3)
    assert found[0].page.text == found[0].document.path
    assert found[0].embedding.regions.whole_page.all()
    entries = tutorial.documents()
    assert [entry.document.path for entry in entries] == [f"pages/{n}.png" for n in range(3)]
    assert [entry.vectors for entry in entries] == [len(page.embedding.vectors) for page in PAGES]
    kept = parse_filter("file = '1.png'", {})
    assert nearest(tutorial, asked.vectors, 3, where=kept) == page_ids(entries[1].document, [0])


def test_another_programs_collection_is_never_written_to(tutorial, milvus_server):
    assert isinstance(tutorial, Searchable) and isinstance(tutorial, Readable)
    assert not isinstance(tutorial, Writable | Persistent | Maintained)
    url = f"{milvus_server.uri}?collection=tutorial"
    with Library.open(url, token=TOKEN, encoder=ENCODER) as library:
        with pytest.raises(LibraryReadOnlyError, match="tutorial is not written to"):
            library.remove(["pages/2.png"])
        assert len(library.documents()) == 3
    with pytest.raises(LibraryExistsError, match="'tutorial' is another program's"):
        create_milvus_store(milvus_server.address("tutorial"), MANIFEST)


def test_a_collection_in_another_form_is_refused(milvus_server, client):
    client.create_collection("something", dimension=4)
    address = milvus_server.address("something")
    assert not milvus_library_exists(address)
    with pytest.raises(StoreError, match="'something' is another program's"):
        open_milvus_store(address)
    with pytest.raises(LibraryExistsError, match="'something' is another program's"):
        create_milvus_store(address, MANIFEST)


def test_queries_of_another_dimension_are_refused(library):
    asked = QueryEmbedding("x", np.ones((1, 8), np.float32), ("x",), np.zeros(1, np.int32))
    with pytest.raises(InputError, match=r"\(1, 8\), the library's have 32 dimensions"):
        rank_pages(library, asked, limit=3)


def test_a_library_opens_another_programs_collection_with_the_named_encoder(tutorial, milvus_server):
    url = f"{milvus_server.uri}?collection=tutorial"
    with Library.open(url, token=TOKEN, encoder=ENCODER, read_only=True) as library:
        hits = library.search("wind", top_k=3)
        assert hits[0].path == "pages/2.png"
        assert len(hits) == 3  # and not taken for copies of one another
        assert [str(match.region) for match in hits[0].matches] == ["whole page"]
        assert library.explain("wind", "2.png", 1).score == pytest.approx(hits[0].score)
    with Library.open(url, token=TOKEN, read_only=True) as library:
        assert library.search(query("wind"), top_k=1)[0].path == "pages/2.png"
        with pytest.raises(InputError, match="came with its data"):
            library.search("wind")


def test_another_programs_collection_is_copied_into_a_library(tutorial, milvus_server, tmp_path):
    url = f"{milvus_server.uri}?collection=tutorial"
    with Library.open(url, token=TOKEN, read_only=True) as library:
        report = library.copy(tmp_path / "own.library")
        hits = library.search(query("wind"), top_k=3)
    assert (report.documents, report.written, report.vectors) == (3, 3, vectors_of(PAGES))
    with Library.open(tmp_path / "own.library") as own:
        assert [(hit.path, hit.score) for hit in own.search(query("wind"), top_k=3)] == [
            (hit.path, pytest.approx(hit.score, abs=1e-4)) for hit in hits
        ]


@pytest.mark.parametrize("metric", ["IP", "COSINE", "L2"])
def test_the_metric_of_another_programs_index_is_honoured(milvus_server, client, metric):
    """Vectors of length 2, text ids, numbers from 1, and one page inserted twice."""
    schema = client.create_schema(auto_id=True)
    schema.add_field("pk", pymilvus.DataType.INT64, is_primary=True)
    schema.add_field("embedding", pymilvus.DataType.FLOAT_VECTOR, dim=32)
    schema.add_field("seq_id", pymilvus.DataType.INT16)
    schema.add_field("doc_id", pymilvus.DataType.VARCHAR, max_length=64)
    schema.add_field("doc", pymilvus.DataType.VARCHAR, max_length=65535)
    name = f"metric_{metric}"
    client.create_collection(name, schema=schema)
    index = client.prepare_index_params()
    index.add_index(
        "embedding", index_type="HNSW", metric_type=metric, params={"M": 16, "efConstruction": 100}
    )
    client.create_index(name, index)
    rows = [
        {"embedding": 2 * vector, "seq_id": number, "doc_id": f"p{page}", "doc": f"{page}.png"}
        for page, of in enumerate(PAGES)
        for number, vector in enumerate(of.embedding.vectors.astype(np.float32), start=1)
    ]
    client.insert(name, rows)
    client.insert(name, [row for row in rows if row["doc_id"] == "p1"])
    asked = query("rivers and wind")

    def score(page):
        best = (asked @ page.embedding.vectors.astype(np.float32).T).max(axis=1)
        return {"IP": 2 * best, "COSINE": best, "L2": 4 * best - 5}[metric].sum()

    with Library.open(f"{milvus_server.uri}?collection={name}", token=TOKEN, read_only=True) as library:
        assert [entry.vectors for entry in library.documents()] == [
            len(page.embedding.vectors) for page in PAGES
        ]
        for exact in (False, True):
            found = {hit.path: hit.score for hit in library.search(asked, top_k=3, exact=exact)}
            expected = {f"{number}.png": float(score(page)) for number, page in enumerate(PAGES)}
            assert found == pytest.approx(expected, abs=1e-2)
            assert list(found) == sorted(found, key=found.get, reverse=True)


def test_pages_with_the_same_doc_belong_to_one_document(milvus_server, client):
    schema = client.create_schema(auto_id=True)
    schema.add_field("pk", pymilvus.DataType.INT64, is_primary=True)
    schema.add_field("vector", pymilvus.DataType.FLOAT_VECTOR, dim=32)
    schema.add_field("seq_id", pymilvus.DataType.INT16)
    schema.add_field("doc_id", pymilvus.DataType.VARCHAR, max_length=64)
    schema.add_field("doc", pymilvus.DataType.VARCHAR, max_length=65535)
    client.create_collection("several", schema=schema)
    index = client.prepare_index_params()
    index.add_index("vector", index_type="FLAT", metric_type="IP")
    client.create_index("several", index)
    long_text = "a text and no name. " * 20
    docs = {"p2": "book.pdf", "p1": "book.pdf", "x": long_text, "y": ""}
    vector = np.eye(1, 32, dtype=np.float32)[0]
    rows = [{"vector": vector, "seq_id": 0, "doc_id": name, "doc": doc} for name, doc in docs.items()]
    client.insert("several", rows)
    store = open_milvus_store(milvus_server.address("several"))
    try:
        documents = {entry.document.path: entry.page_indices for entry in store.documents()}
        assert documents == {"book.pdf": (0, 1), "x": (0,), "y": (0,)}
    finally:
        store.close()
