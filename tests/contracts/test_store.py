"""What every store does, compared by value with ``MemoryStore``, the reference.

A new store joins by one line in ``open_store``.
"""

import re
from dataclasses import replace

import numpy as np
import pytest

from maxsight.errors import DimensionMismatchError, InputError
from maxsight.stores.addresses import Layout, MilvusAddress
from maxsight.stores.audit import Audit, Setting
from maxsight.stores.base import Maintained, Persistent, Readable, Searchable, Writable
from maxsight.stores.fields import FieldType
from maxsight.stores.filters import parse_filter
from maxsight.stores.local.store import LocalStore
from maxsight.stores.memory import MemoryStore
from maxsight.types import PageEmbedding, Regions
from store_pages import CODEC, ENCODER, MANIFEST, make_page, nearest, plain, query

LIBRARY = [
    make_page("a/rivers.pdf", 0, "Rivers carry sediment to the sea", page_count=3, year=2019, draft=True),
    make_page("a/rivers.pdf", 1, "", page_count=3, year=2019, draft=True),
    make_page("a/rivers.pdf", 2, "Deltas grow where rivers slow down", page_count=3, year=2019, draft=True),
    make_page("b/sails.pdf", 0, "Sails turn wind into motion", year=2021, rate=0.5, author="O'Hara"),
    make_page("notes.txt", 0, "Bread needs flour water salt and time", boxed=False),
]
EVERYTHING = [page.page_id for page in LIBRARY]


def open_store(kind, folder, milvus_library, request):
    match kind:
        case "bucket":
            address = request.getfixturevalue("object_storage")(folder.name)
            request.getfixturevalue("monkeypatch").setenv("XDG_CACHE_HOME", str(folder / "cache"))
            from maxsight.stores.bucket.store import BucketStore

            return BucketStore.create(address, MANIFEST, codec=CODEC)
        case "memory":
            return MemoryStore(MANIFEST)
        case "local":
            return LocalStore.create(folder / "test.library", MANIFEST, codec=CODEC)
        case _:
            return milvus_library(kind)


MILVUS = ["milvus-lite", "milvus-2.3.5", "milvus-stub", "milvus-given-rows", "milvus-given-embedding-list"]


BUCKET_TESTS = (
    "what_a_store|several_calls|long_document|removed|replaced|nearest|manifest|audit|another_version"
)
"""The tests of what differs by the place: commits, versions and mapped files."""


@pytest.fixture(params=["memory", "local", "bucket", *MILVUS])
def empty(request, tmp_path, milvus_library):
    if request.param == "bucket" and not re.search(BUCKET_TESTS, request.node.name):
        pytest.skip("a bucket holds the same dataset as a folder, behind the same code")
    store = open_store(request.param, tmp_path, milvus_library, request)
    yield store
    if not request.param.startswith("milvus"):  # those are used again
        store.close()


@pytest.fixture(scope="session")
def milvus_library(request, tmp_path_factory):
    """``milvus_library(kind)`` gives an empty library in Milvus: making one takes 8 s, so each is emptied and kept."""
    kept = {}

    def library(kind):
        pytest.importorskip("pymilvus", reason="the extra 'milvus' is not installed")
        from maxsight.stores.milvus import create_milvus_store
        from stores.milvus.emptied import emptied

        if kind not in kept:
            if kind == "milvus-lite":
                pytest.importorskip("milvus_lite", reason="the extra 'milvus' is not installed")
                address = MilvusAddress(str(tmp_path_factory.mktemp("lite") / "test.db"))
            elif kind == "milvus-stub":
                address = request.getfixturevalue("milvus_stub").address("contract")
            elif kind == "milvus-2.3.5":
                address = request.getfixturevalue("milvus_server").address("contract")
            else:
                layout = Layout(kind.removeprefix("milvus-given-"))
                address = request.getfixturevalue("given_milvus")(layout)
            kept[kind] = create_milvus_store(address, MANIFEST)
        return emptied(kept[kind])

    yield library
    for kind, store in kept.items():
        if "given" in kind:  # the others' servers are gone by now, with all that was on them
            store.discard()
        store.close()


@pytest.fixture
def store(empty):
    empty.put(LIBRARY)
    return empty


@pytest.fixture
def reference():
    memory = MemoryStore(MANIFEST)
    memory.put(LIBRARY)
    return memory


def assert_same(store, reference):
    """Both hold the same documents, fields, pages and vectors."""
    assert store.documents() == reference.documents()
    assert store.fields() == reference.fields()
    names = sorted(name for chunk in reference.vectors() for name in chunk.page_ids)
    assert sorted(name for chunk in store.vectors() for name in chunk.page_ids) == names
    assert [plain(page) for page in store.read(names)] == [plain(page) for page in reference.read(names)]
    stored, expected = vectors_of(store.vectors()), vectors_of(reference.vectors())
    assert stored == expected


def by_text(store, phrase, limit, expected, **options):
    """What a search for text finds; what is expected where the server ranks no text and says so."""
    if without_full_text(store):
        with pytest.raises(InputError, match="ranks no text"):
            store.find_phrase(phrase, limit, **options)
        return expected
    return store.find_phrase(phrase, limit, **options)


def without_full_text(store):
    return store.description.startswith("Milvus 2.3")


@pytest.fixture
def text_store(store):
    if without_full_text(store):
        pytest.skip("Milvus 2.3 has no full text")
    return store


def vectors_of(chunks):
    return {
        name: vectors.tolist()
        for chunk in chunks
        for name, vectors in zip(chunk.page_ids, chunk, strict=True)
    }


@pytest.mark.parametrize("protocol", [Searchable, Readable, Writable, Persistent, Maintained])
def test_a_protocol_has_few_members(protocol):
    assert 1 <= sum(not name.startswith("_") for name in vars(protocol)) <= 8


def test_isinstance_shows_what_a_store_can_do(empty, request):
    kind = request.node.callspec.params["empty"]
    assert all(isinstance(empty, protocol) for protocol in (Searchable, Readable, Writable))
    assert isinstance(empty, Persistent) == (kind != "memory")
    assert isinstance(empty, Maintained) == (kind in ("local", "bucket"))


def test_a_new_store_is_empty_and_answers(empty):
    assert empty.documents() == []
    assert empty.fields() == {}
    assert list(empty.vectors()) == []
    assert nearest(empty, query("rivers"), 10) == []
    assert by_text(empty, "rivers", 10, []) == []
    assert empty.read(["nobody"]) == []
    assert empty.remove(["nowhere.pdf"]) == 0
    assert empty.manifest == MANIFEST


def test_pages_come_back_as_they_were_put(store, reference):
    assert_same(store, reference)
    assert store.fields() == {
        "year": FieldType.INTEGER,
        "draft": FieldType.BOOLEAN,
        "rate": FieldType.NUMBER,
        "author": FieldType.TEXT,
    }


def test_stored_vectors_are_the_given_ones_up_to_float16(store):
    for page, stored in zip(LIBRARY, store.read(EVERYTHING), strict=True):
        vectors = stored.embedding.vectors
        assert vectors.dtype == np.float16
        np.testing.assert_allclose(vectors, page.embedding.vectors, atol=1e-3)


def test_vectors_of_any_length_are_stored_with_unit_norm(empty):
    page = make_page("long.pdf", 0, "three long vectors")
    stretched = PageEmbedding(page.embedding.vectors * np.float32(7.5), page.embedding.regions)
    empty.put([replace(page, embedding=stretched)])
    norms = np.linalg.norm(empty.read([page.page_id])[0].embedding.vectors.astype(np.float32), axis=1)
    np.testing.assert_allclose(norms, 1, atol=1e-3)


def test_storing_what_was_read_changes_no_bit(store):
    before = [plain(page) for page in store.read(EVERYTHING)]
    store.put(store.read(EVERYTHING))
    assert [plain(page) for page in store.read(EVERYTHING)] == before


def test_a_page_put_twice_is_one_page(store, reference):
    store.put(LIBRARY[:3])
    store.put([LIBRARY[3], LIBRARY[3]])
    assert_same(store, reference)


def test_half_a_surrogate_pair_costs_one_letter_of_the_text_and_no_page(store, reference):
    text = "Water \ud83d and \udca7 ice"
    broken = [make_page("broken.pdf", 0, text), make_page("whole.pdf", 0, "Snow")]
    for either in (store, reference):
        either.put(broken)
    assert_same(store, reference)
    (page,) = store.read(["broken.pdf@1#0"])
    assert page.page.text == "Water \ufffd and \ufffd ice"
    assert [page.page.text[start:end] for start, end in page.page.words.spans] == page.page.text.split()
    assert by_text(store, "ice", 1, ["broken.pdf@1#0"]) == ["broken.pdf@1#0"]


def test_a_path_that_is_no_text_is_refused_by_name(store, reference):
    with pytest.raises(InputError, match=r"'bad\\udcff\.pdf' is no Unicode text"):
        store.put([make_page("bad\udcff.pdf", 0, "some words")])
    assert_same(store, reference)


def test_putting_nothing_changes_nothing(store, reference):
    store.put([])
    assert_same(store, reference)


def test_a_page_put_again_has_its_new_content(store, reference):
    changed = replace(
        make_page("a/rivers.pdf", 0, "Entirely other words", page_count=3), metadata={"year": 1}
    )
    for either in (store, reference):
        either.put([changed])
    assert_same(store, reference)
    assert store.read([changed.page_id])[0].page.text == "Entirely other words"


def test_replacing_a_document_drops_its_old_pages_in_the_same_commit(store, reference):
    changed = [make_page("a/rivers.pdf", 0, "Shorter now", version="2", year=2024)]
    for either in (store, reference):
        either.put(changed, replace_documents=True)
    assert_same(store, reference)
    paths = {entry.document.path: entry.page_indices for entry in store.documents()}
    assert paths == {"a/rivers.pdf": (0,), "b/sails.pdf": (0,), "notes.txt": (0,)}


def test_replacing_keeps_the_pages_that_are_put_again(store, reference):
    kept = LIBRARY[2]
    for either in (store, reference):
        either.put([kept], replace_documents=True)
    assert_same(store, reference)
    assert [page.page_id for page in store.read(EVERYTHING[:3])] == [kept.page_id]


def replacement(pages, **metadata):
    """Other content for ``a/rivers.pdf``, of so many pages."""
    return [
        make_page("a/rivers.pdf", index, f"New page {index}", page_count=pages, version="2", **metadata)
        for index in range(pages)
    ]


def test_a_long_document_is_replaced_over_several_commits_and_its_old_pages_go_with_the_last(
    store, reference
):
    new = replacement(4, year=2024)
    first = [page.page_id for page in new[:3]]
    for either in (store, reference):
        either.put(new[:2])
        either.put(new[2:3])
        assert len(either.read(EVERYTHING[:3] + first)) == 6, "nothing goes before the last commit"
        either.put(new[3:], replace_documents=True, keep=first)
    assert_same(store, reference)
    assert [page.page_id for page in store.read(EVERYTHING[:3])] == []
    assert store.read(EVERYTHING[3:]) != []
    entry = store.documents()[0]
    assert (entry.document, entry.page_indices) == (new[0].document, (0, 1, 2, 3))
    assert (entry.mixed, entry.complete, entry.metadata) == (False, True, {"year": 2024})


def test_pages_of_other_documents_stay_whether_they_are_named_or_not(store, reference):
    new = replacement(2)
    for either in (store, reference):
        either.put(new[:1])
        either.put(new[1:], replace_documents=True, keep=[new[0].page_id, EVERYTHING[3], "no page"])
    assert_same(store, reference)
    paths = {entry.document.path: entry.page_indices for entry in store.documents()}
    assert paths == {"a/rivers.pdf": (0, 1), "b/sails.pdf": (0,), "notes.txt": (0,)}


@pytest.mark.parametrize(
    ("new", "written", "listed"), [(4, 2, "1"), (4, 4, "2"), (2, 2, "1")], ids=["part", "longer", "shorter"]
)
def test_a_document_between_two_contents_is_listed_as_the_whole_one_and_not_as_complete(
    store, reference, new, written, listed
):
    for either in (store, reference):
        either.put(replacement(new)[:written])
    assert_same(store, reference)
    entry = store.documents()[0]
    assert entry.document.content_hash == f"a/rivers.pdf-{listed}"
    assert entry.page_indices == tuple(range(entry.document.page_count))
    assert entry.mixed
    assert not entry.complete
    assert [entry.mixed for entry in store.documents()[1:]] == [False, False]


def test_of_two_contents_of_a_document_neither_of_them_whole_the_one_with_most_pages_is_listed(
    store, reference
):
    for either in (store, reference):
        either.remove(["a/rivers.pdf"])
        either.put([LIBRARY[0], *replacement(4)[1:3]])
    assert_same(store, reference)
    entry = store.documents()[0]
    assert (entry.document.content_hash, entry.page_indices, entry.mixed) == ("a/rivers.pdf-2", (1, 2), True)


def test_removed_documents_are_gone_at_once(store, reference):
    by_text(store, "rivers", 10, None)
    assert store.remove(["a/rivers.pdf", "nowhere.pdf"]) == 3
    assert reference.remove(["a/rivers.pdf"]) == 3
    assert_same(store, reference)
    assert by_text(store, "rivers", 10, []) == []
    left = nearest(reference, query("rivers"), 10)
    assert sorted(nearest(store, query("rivers"), 10)) == sorted(left) == ["b/sails.pdf@1#0", "notes.txt@1#0"]


def test_a_path_is_a_name_and_not_a_pattern(store):
    assert store.remove(["%", "a/rivers.pd_", "' OR 1=1 --"]) == 0
    assert len(store.read(EVERYTHING)) == len(EVERYTHING)


def test_metadata_is_replaced_for_all_pages_of_a_document(store, reference):
    given = {"a/rivers.pdf": {"year": 2030, "rate": 2, "place": "Delft"}, "nowhere.pdf": {"year": 1}}
    for either in (store, reference):
        either.set_metadata(given)
        either.set_metadata({"b/sails.pdf": {}})
    assert_same(store, reference)
    metadata = {entry.document.path: entry.metadata for entry in store.documents()}
    assert metadata["a/rivers.pdf"] == {"year": 2030, "rate": 2.0, "place": "Delft"}
    assert metadata["b/sails.pdf"] == {}


def test_a_pages_own_fields_stay_when_those_of_its_document_are_replaced(store, reference):
    for either in (store, reference):
        either.set_page_fields({EVERYTHING[0]: {"predicted_cer": 0.5}, EVERYTHING[2]: {"predicted_cer": 1}})
        either.set_metadata({"a/rivers.pdf": {"year": 2030}})
    assert_same(store, reference)
    entry = store.documents()[0]
    assert entry.metadata == {"year": 2030}
    assert entry.page_fields == ({"predicted_cer": 0.5}, {}, {"predicted_cer": 1.0})
    where = parse_filter("predicted_cer < 0.7 AND year = 2030", store.fields())
    assert [list(pages.page_ids) for pages in store.vectors(where=where)] == [[EVERYTHING[0]]]


def test_a_pages_own_fields_are_replaced_as_a_whole_and_unknown_pages_are_nothing(store, reference):
    for either in (store, reference):
        either.set_page_fields({EVERYTHING[3]: {"predicted_cer": 0.5, "quality_note": "it's pale"}})
        either.set_page_fields(
            {EVERYTHING[3]: {"quality_note": "blank"}, "nowhere' OR 1=1 --": {"quality_note": "x"}}
        )
        either.set_page_fields({})
    assert_same(store, reference)
    (page,) = store.read([EVERYTHING[3]])
    assert page.metadata == {"year": 2021, "rate": 0.5, "author": "O'Hara", "quality_note": "blank"}


def test_metadata_changes_leave_the_text_findable(store):
    store.set_metadata({"b/sails.pdf": {"year": 1}})
    found = ["b/sails.pdf@1#0"]
    assert by_text(store, "wind", 3, found) == found


@pytest.mark.parametrize(
    "metadata",
    [{"year": "2020"}, {"year": 2020.5}, {"draft": 1}, {"author": 7}, {"year": True}, {"file": "x"}],
    ids=str,
)
def test_a_field_keeps_its_type_and_nothing_is_written(store, reference, metadata):
    name = next(iter(metadata))
    with pytest.raises(InputError, match=f"'{name}'"):
        store.put([make_page("new.pdf", 0, "new words", **metadata)])
    with pytest.raises(InputError, match=f"'{name}'"):
        store.set_metadata({"notes.txt": metadata})
    assert_same(store, reference)


def test_a_type_error_names_the_field_and_both_types(store):
    with pytest.raises(InputError, match="'year' holds whole number values, got the text '2020'"):
        store.put([make_page("new.pdf", 0, "new words", year="2020")])


@pytest.mark.parametrize(
    "name",
    [
        "Fiscal year",
        "a.b",
        "naïve",
        "日本",
        'say "hi"',
        "it's",
        "back`tick",
        "%41",
        "A",
        "a",
        "path2",
        "meta_",
    ],
)
def test_a_field_may_have_any_name(empty, name):
    empty.put([make_page("x.pdf", 0, "some words", **{name: 3}), make_page("y.pdf", 0, "other", **{name: 4})])
    assert empty.fields() == {name: FieldType.INTEGER}
    assert empty.documents()[0].metadata == {name: 3}
    quoted = name.replace('"', '""')
    where = parse_filter(f'"{quoted}" = 4', empty.fields())
    assert [name for chunk in empty.vectors(where=where) for name in chunk.page_ids] == ["y.pdf@1#0"]


@pytest.mark.parametrize(
    "expression",
    [
        "file = 'rivers.pdf'",
        "path LIKE 'a/%' AND page_number > 1",
        "year >= 2020",
        "NOT year >= 2020",
        "year IS NULL OR draft",
        "author = 'O''Hara'",
        "rate < 1 AND year IN (2019, 2021)",
        "page_number BETWEEN 2 AND 3",
        "file = 'nothing.pdf'",
        "text CONTAINS 'SEDIMENT to the sea'",
        "text NOT CONTAINS 'rivers'",
        "year = 2019 AND NOT text CONTAINS 'deltas'",
        "text CONTAINS 'river'",
        "text LIKE 'Rivers%'",
        "text ILIKE '%RIVERS%'",
        "author CONTAINS 'o hara'",
    ],
)
def test_filters_keep_the_same_pages_everywhere(store, reference, expression):
    where = parse_filter(expression, store.fields())
    expected = vectors_of(reference.vectors(where=where))
    assert vectors_of(store.vectors(where=where)) == expected
    filled = {name for name, vectors in expected.items() if vectors}
    assert set(nearest(store, query("rivers sails bread"), 10, where=where)) == filled
    texts = reference.find_phrase("rivers", 10, where=where)
    assert set(by_text(store, "rivers", 10, texts, where=where)) == set(texts)


def test_named_vectors_are_read_once_and_unknown_names_left_out(store, reference):
    names = [EVERYTHING[3], "nobody", EVERYTHING[0], "it's"]
    expected = vectors_of(reference.vectors(page_ids=names))
    chunks = list(store.vectors(page_ids=names))
    assert vectors_of(chunks) == expected
    assert sorted(name for chunk in chunks for name in chunk.page_ids) == sorted([names[0], names[2]])
    assert list(store.vectors(page_ids=[])) == []


def test_reading_keeps_the_order_asked_for(store):
    names = [EVERYTHING[4], "nobody", EVERYTHING[0], EVERYTHING[2]]
    assert [page.page_id for page in store.read(names)] == [names[0], *names[2:]]


@pytest.mark.parametrize("words", ["rivers sediment", "wind", "bread flour time", "deltas slow"])
def test_the_best_page_is_the_first_candidate(store, reference, words):
    assert nearest(store, query(words), 3)[0] == nearest(reference, query(words), 1)[0]


def test_candidates_are_at_most_as_many_as_asked_for_and_have_vectors(store):
    assert len(nearest(store, query("rivers"), 2)) == 2
    assert set(nearest(store, query("rivers"), 99)) == set(EVERYTHING) - {"a/rivers.pdf@1#1"}


def test_a_phrase_is_found_to_the_letter_also_in_new_text(text_store, reference):
    assert text_store.find_phrase("sediment", 5) == ["a/rivers.pdf@1#0"]
    assert set(text_store.find_phrase("rivers", 5)) == set(reference.find_phrase("rivers", 5))
    text_store.put([make_page("new.pdf", 0, "Glaciers are rivers of ice. They moved 77,300 t")])
    assert text_store.find_phrase("RIVERS of\nice", 5) == ["new.pdf@1#0"]
    assert text_store.find_phrase("ice of rivers", 5) == text_store.find_phrase("300", 5) == []
    assert text_store.find_phrase("77,300", 5) == text_store.find_phrase("77300", 5) == ["new.pdf@1#0"]
    assert set(text_store.find_phrase("rivers", 5)) == {"a/rivers.pdf@1#0", "a/rivers.pdf@1#2", "new.pdf@1#0"}
    assert len(text_store.find_phrase("rivers", 1)) == 1


def test_a_phrase_is_found_within_text_without_spaces_and_korean_words(text_store):
    """Also once the pages are indexed, and most text is of these scripts."""
    for number, text in enumerate(
        ("문서를 복사하려면 허가가 필요합니다", "騒音の原因を調べる", "電子メ\nールの設定", "かぎ")
    ):
        text_store.put([make_page(f"{number}.pdf", 0, f"{text} " + "설정 설명서를 읽으십시오 " * 40)])
    for _ in range(2):
        assert text_store.find_phrase("문서", 5) == ["0.pdf@1#0"]
        assert text_store.find_phrase("騒音", 5) == text_store.find_phrase("原因を調べる", 5) == ["1.pdf@1#0"]
        assert text_store.find_phrase("の設", 5) == text_store.find_phrase("電子メール", 5) == ["2.pdf@1#0"]
        assert text_store.find_phrase("騒", 5) == ["1.pdf@1#0"]
        assert text_store.find_phrase("がき", 5) == text_store.find_phrase("かき", 5) == []
        assert text_store.find_phrase("sediment", 5) == ["a/rivers.pdf@1#0"]
        if isinstance(text_store, Maintained):
            text_store.optimize()


@pytest.mark.parametrize("words", ['"sediment"', "(sediment", "sediment*~^+-/\\", "SEDIMENT?"])
def test_a_phrase_is_plain_text(text_store, words):
    assert text_store.find_phrase(words, 5) == ["a/rivers.pdf@1#0"]


def test_a_phrase_without_words_is_refused(text_store):
    with pytest.raises(InputError, match="has no words"):
        text_store.find_phrase("?!", 5)
    assert text_store.find_phrase("zzz", 5) == []


def test_vectors_of_another_dimension_are_refused(store, reference):
    page = LIBRARY[0]
    narrow = PageEmbedding(page.embedding.vectors[:, :8], page.embedding.regions)
    with pytest.raises(DimensionMismatchError, match=r"\(6, 8\).*32 dimensions"):
        store.put([replace(page, embedding=narrow)])
    assert_same(store, reference)


def test_a_query_of_another_dimension_is_refused(store):
    narrow = query("rivers")[:, :8]
    with pytest.raises(DimensionMismatchError, match=r"\(1, 8\).*32 dimensions"):
        store.nearest([query("sails"), narrow], 3)


def test_a_vector_without_direction_is_refused(store):
    page = LIBRARY[3]
    vectors = page.embedding.vectors.copy()
    vectors[1] = 0
    with pytest.raises(InputError, match="zeros"):
        store.put([replace(page, embedding=PageEmbedding(vectors, page.embedding.regions))])


def test_regions_of_patches_come_back_without_spans(empty):
    boxes = np.array([[0, 0, 0.5, 1], [0.5, 0, 1, 1], [0.123456, 0, 0.654321, 1e-6]], np.float32)
    page = make_page("x.png", 0, "")
    vectors = ENCODER.encode_query("one two three").vectors
    empty.put([replace(page, embedding=PageEmbedding(vectors, Regions(boxes, None)))])
    regions = empty.read([page.page_id])[0].embedding.regions
    assert regions.spans is None
    np.testing.assert_allclose(regions.boxes, boxes, atol=1 / 65535)


def test_a_touched_document_has_its_new_size_and_time_and_nothing_else_changes(store, reference):
    rivers, sails = LIBRARY[0].document, LIBRARY[3].document
    given = [
        replace(rivers, size_bytes=99, modified_ns=1_800_000_000_000_000_000, page_count=7),
        replace(sails, size_bytes=1, content_hash="of another content"),
        replace(sails, size_bytes=2, path="nowhere.pdf"),
    ]
    for either in (store, reference):
        either.touch(given)
        either.touch([])
    assert_same(store, reference)
    documents = {entry.document.path: entry.document for entry in store.documents()}
    assert documents["a/rivers.pdf"] == replace(rivers, size_bytes=99, modified_ns=1_800_000_000_000_000_000)
    assert documents["b/sails.pdf"] == sails
    found = ["a/rivers.pdf@1#0"]
    assert by_text(store, "sediment", 3, found) == found


def test_a_document_is_touched_with_its_content_however_many_it_had(store):
    rivers = LIBRARY[0].document
    old, new = replace(rivers, content_hash="old", size_bytes=1), replace(rivers, size_bytes=2)
    store.touch([new, old])
    assert {entry.document for entry in store.documents() if entry.document.path == rivers.path} == {new}


# Beside the pages ---------------------------------------------------------------------------------------

SETTINGS = (Setting(64, 0.75, 0.7, 0.5, 1.5, 2.5), Setting(128, 1.0, 1.0, 1.0, 3.0, 4.0))
AUDIT = Audit("2026-11-21", 5, 20, "given", 10, 0.99, 256, 7.0, SETTINGS)


def test_an_audit_is_stored_until_the_next_one(store):
    assert store.last_audit() is None
    store.store_audit(AUDIT)
    assert store.last_audit() == AUDIT
    again = Audit("2026-11-22", 5, 20, "given", 10, 0.9, 256, 7.0, SETTINGS)
    store.store_audit(again)
    assert store.last_audit() == again


def test_an_audit_outlives_later_changes(store):
    store.store_audit(AUDIT)
    store.remove(["notes.txt"])
    store.put(LIBRARY[-1:])
    store.set_metadata({"notes.txt": {"kitchen": "yes"}})
    assert store.last_audit() == AUDIT


def test_every_change_makes_another_version_and_reading_none(store):
    changes = [
        lambda: store.put(LIBRARY[:1]),
        lambda: store.remove(["notes.txt"]),
        lambda: store.set_metadata({"b/sails.pdf": {"year": 2022}}),
        lambda: store.store_audit(AUDIT),
    ]
    for change in changes:
        before = store.version
        list(store.vectors())
        assert store.version == before
        change()
        assert store.version != before


def test_pages_are_counted(empty):
    assert empty.page_count() == 0
    empty.put(LIBRARY)
    assert empty.page_count() == len(LIBRARY)
    empty.remove(["notes.txt"])
    assert empty.page_count() == len(LIBRARY) - 1


def test_another_process_and_a_backup_have_the_audit(tmp_path):
    with LocalStore.create(tmp_path / "l.library", MANIFEST, codec=CODEC) as writer:
        writer.put(LIBRARY)
        with LocalStore(tmp_path / "l.library", codec=lambda _: CODEC, read_only=True) as reader:
            writer.store_audit(AUDIT)
            assert reader.last_audit() == AUDIT
        writer.compact()
        writer.backup(tmp_path / "backup.library")
    with LocalStore(tmp_path / "backup.library", codec=lambda _: CODEC) as copy:
        assert copy.last_audit() == AUDIT


def test_a_manifest_is_replaced_and_the_pages_stay(store, reference):
    moved = replace(MANIFEST, space=replace(MANIFEST.space, encoder="/elsewhere"), root="/data")
    before = store.version
    store.store_manifest(moved)
    assert store.manifest == moved
    assert store.version != before
    assert_same(store, reference)


def test_several_calls_write_together_and_are_found_as_well_after_optimizing(store, reference):
    with store.writing():
        store.put([make_page("late.pdf", 0, "Herons wade")])
        store.remove(["late.pdf"])
        if isinstance(store, Persistent):
            store.optimize()
    assert_same(store, reference)
    found = ["a/rivers.pdf@1#0"]
    assert by_text(store, "sediment", 5, found) == found
