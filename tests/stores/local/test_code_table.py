"""The table that searches of a local store work on: mapped from files, and up to date after every commit."""

import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import lance
import numpy as np
import pytest

from maxsight.retrieval.codes import PageCodec
from maxsight.retrieval.maxsim import maxsim
from maxsight.retrieval.search import rank_pages, rank_pages_many
from maxsight.stores.filters import parse_filter
from maxsight.stores.local import code_table
from maxsight.stores.local.store import LocalStore
from maxsight.stores.manifest import Manifest
from maxsight.types import EmbeddingSpace, PageEmbedding, QueryEmbedding, Regions
from retrieval_pages import unit
from store_pages import make_page

DIM = 128
MANIFEST = Manifest(EmbeddingSpace("precomputed", "1", DIM), dpi=200, ocr="auto")
WORDS = ("word",)


def page_of(path, index, vectors, **metadata):
    """Return a page with these vectors. The region of each is the whole page."""
    boxes = np.tile(np.array([[0, 0, 1, 1]], np.float32), (len(vectors), 1))
    return replace(
        make_page(path, index, "", **metadata), embedding=PageEmbedding(vectors, Regions(boxes, None))
    )


def random_pages(seed, count=12, path=None):
    rng = np.random.default_rng(seed)
    lengths = [0, 1, 7, 16, 33, *rng.integers(2, 60, count)][:count]
    return [
        page_of(path or f"{seed}-{number}.pdf", 0, unit(rng, length, DIM), year=number)
        for number, length in enumerate(lengths)
    ]


def asking(seed, tokens=5):
    vectors = unit(np.random.default_rng(seed), tokens, DIM)
    return QueryEmbedding("", vectors, WORDS, np.zeros(tokens, np.int32))


def expected_scores(pages, query):
    filled = [page for page in pages if len(page.embedding.vectors)]
    stored = [page.embedding.vectors.astype(np.float16) for page in filled]
    scores = maxsim(query.vectors, stored)
    return {page.page_id: score for page, score in zip(filled, scores, strict=True)}


def assert_ranks(store, pages, query, **options):
    """Assert that a search finds exactly these pages with their exact scores, best first."""
    found = rank_pages(store, query, limit=1000, **options)
    scores = expected_scores(pages, query)
    assert {page.page_id for page in found} == set(scores)
    np.testing.assert_allclose(
        [page.score for page in found], [scores[page.page_id] for page in found], atol=2e-3
    )
    assert [page.score for page in found] == sorted((page.score for page in found), reverse=True)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "test.library"


@pytest.fixture
def store(path):
    with LocalStore.create(path, MANIFEST, codec=PageCodec(DIM)) as store:
        yield store


def parts(store):
    return list(store._newest_table().parts.values())


@pytest.mark.parametrize("exact", [False, True])
def test_a_search_finds_every_page_with_its_exact_score(store, exact):
    pages = random_pages(1)
    store.put(pages)
    assert_ranks(store, pages, asking(2), exact=exact)


def test_long_pages_are_searched_in_the_file_and_not_copied(store):
    store.put(random_pages(1))
    (part,) = parts(store)
    assert part.vectors is not None
    assert not part.vectors.buffers[0].flags.owndata
    assert not part.signs.buffers[0].flags.owndata
    assert not part.four_bit.buffers[0].flags.owndata


def test_a_single_page_is_found_in_every_layout(store):
    pages = []
    for seed, length in enumerate((1, 3, 50, 0, 200)):
        pages.append(page_of(f"{seed}.pdf", 0, unit(np.random.default_rng(seed), length, DIM)))
        store.put(pages[-1:])
        assert_ranks(store, pages, asking(seed))


def test_a_file_with_an_unknown_layout_is_read_through_lance(store, monkeypatch):
    pages = random_pages(1)
    store.put(pages)
    monkeypatch.setattr(code_table, "map_columns", lambda folder, fragment, fields: [None] * len(fields))
    assert_ranks(store, pages, asking(2))
    assert parts(store)[0].vectors is None
    assert [page.page_id for page in store.read([page.page_id for page in pages])] == [
        page.page_id for page in pages
    ]


def test_a_commit_costs_only_what_it_changed(store):
    first, second = random_pages(1), random_pages(2)
    store.put(first)
    (before,) = parts(store)
    store.put(second)
    assert parts(store)[0] is before
    assert_ranks(store, first + second, asking(3))
    store.remove([second[4].document.path])
    assert parts(store)[0] is before
    assert_ranks(store, [*first, *second[:4], *second[5:]], asking(3))


def test_changed_metadata_leaves_the_pages_searchable(store):
    pages = random_pages(1)
    store.put(pages)
    store.set_metadata({pages[3].document.path: {"year": 1}})
    store.touch([replace(pages[4].document, size_bytes=1)])
    assert_ranks(store, pages, asking(2))


def test_compaction_changes_no_answer(store, path):
    pages = [page for seed in range(6) for page in random_pages(seed)]
    for start in range(0, len(pages), 9):
        store.put(pages[start : start + 9])
    store.remove([pages[20].document.path, pages[50].document.path])
    left = [page for number, page in enumerate(pages) if number not in (20, 50)]
    assert_ranks(store, left, asking(9))
    store.compact()
    assert len(lance.dataset(path / "pages.lance").get_fragments()) == 1
    assert_ranks(store, left, asking(9))


def test_a_reader_sees_what_another_process_commits_at_its_next_search(path, store):
    pages = random_pages(1)
    store.put(pages)
    with LocalStore(path, codec=PageCodec, read_only=True) as reader:
        assert_ranks(reader, pages, asking(2))
        store.put(random_pages(2))
        assert_ranks(reader, pages + random_pages(2), asking(2))
        store.remove([page.document.path for page in pages])
        assert_ranks(reader, random_pages(2), asking(2))


def test_a_filter_keeps_its_pages_and_no_others(store):
    pages = random_pages(1) + random_pages(2)
    store.put(pages)
    where = parse_filter("year IN (3, 5)", store.fields())
    kept = [page for page in pages if page.metadata["year"] in (3, 5)]
    assert_ranks(store, kept, asking(3), where=where)
    assert_ranks(store, kept, asking(3), where=where, exact=True)
    assert rank_pages(store, asking(3), limit=5, where=parse_filter("year = 99", store.fields())) == []


def test_queries_asked_together_are_answered_as_alone(store):
    store.put(random_pages(1) + random_pages(2))
    queries = [asking(seed, tokens) for seed, tokens in enumerate((1, 5, 20, 8))]
    together = rank_pages_many(store, queries, limit=7)
    assert together == [rank_pages(store, query, limit=7) for query in queries]
    assert rank_pages_many(store, [], limit=7) == []


def test_the_first_pages_decide_the_mean_for_good(store, path):
    rng = np.random.default_rng(0)
    lean = 2 * unit(rng, 1, DIM)

    def leaning(name):
        vectors = unit(rng, 50, DIM) + lean
        return page_of(name, 0, vectors / np.linalg.norm(vectors, axis=1, keepdims=True))

    store.put([leaning(f"{number}.pdf") for number in range(64)])
    mean = store._newest_table().codec._mean
    assert np.linalg.norm(mean) > 0.75
    store.put([leaning("b.pdf")])
    store.put(random_pages(1))
    np.testing.assert_array_equal(store._newest_table().codec._mean, mean)
    assert store.verify().clean
    with LocalStore(path, codec=PageCodec, read_only=True) as reader:
        np.testing.assert_array_equal(reader._newest_table().codec._mean, mean)


def test_one_page_of_one_vector_hardly_moves_the_mean(store):
    """Each page counts once, whatever its number of vectors, and eight more pages count as zero."""
    store.put([page_of("a.pdf", 0, unit(np.random.default_rng(0), 1, DIM))])
    assert np.linalg.norm(store._newest_table().codec._mean) == pytest.approx(1 / 9, abs=1e-3)


def test_readers_hold_few_files_open_after_many_small_commits(store):
    for number in range(70):
        store.put([page_of(f"{number}.pdf", 0, unit(np.random.default_rng(number), 3, DIM))])
    assert len(store._newest_table().parts) < 32
    assert store.page_count() == 70


def test_searches_answer_from_an_older_copy_once_it_is_put_back(path, store, tmp_path):
    store.put(random_pages(1))
    shutil.copytree(path, tmp_path / "copy")
    store.put(random_pages(2))
    with LocalStore(path, codec=PageCodec, read_only=True) as reader:
        before = [page.page_id for page in rank_pages(reader, asking(3), limit=500)]
        shutil.rmtree(path)
        shutil.copytree(tmp_path / "copy", path)
        after = [page.page_id for page in rank_pages(reader, asking(3), limit=500)]
    assert set(after) == set(expected_scores(random_pages(1), asking(3))) < set(before)


def test_every_answer_is_that_of_one_version_while_others_write(path, store):
    """Threads search through two stores while documents come, go and are merged.

    Every answer names just the pages of one state of the library, with their exact scores. States are noted before
    they are committed, since a reader may be quicker than the note.
    """
    documents = {name: random_pages(name, count=8, path=f"{name}.pdf") for name in range(12)}
    documents = {
        name: [replace(page, page_id=f"{name}#{n}") for n, page in enumerate(pages)]
        for name, pages in documents.items()
    }
    queries = [asking(seed) for seed in range(4)]
    every_page = [page for pages in documents.values() for page in pages]
    scores = [expected_scores(every_page, query) for query in queries]
    here: set[int] = set()
    states = {frozenset()}
    done = threading.Event()

    def names():
        return frozenset(
            page.page_id for name in here for page in documents[name] if len(page.embedding.vectors)
        )

    def write():
        rng = np.random.default_rng(0)
        try:
            for step in range(30):
                name = int(rng.integers(12))
                here.symmetric_difference_update({name})
                states.add(names())
                if name in here:
                    store.put(documents[name])
                else:
                    store.remove([f"{name}.pdf"])
                if step % 10 == 9:
                    store.compact()
        finally:
            done.set()

    def search(store, number):
        answers = 0
        while not done.is_set() or not answers:
            found = rank_pages(store, queries[number], limit=200)
            assert frozenset(page.page_id for page in found) in states
            for page in found:
                assert abs(page.score - scores[number][page.page_id]) < 2e-3
            answers += 1
        return answers

    with (
        LocalStore(path, codec=PageCodec, read_only=True) as reader,
        ThreadPoolExecutor(9) as threads,
    ):
        searches = [threads.submit(search, (store, reader)[n % 2], n % 4) for n in range(8)]
        threads.submit(write).result()
        assert min(search.result() for search in searches) >= 1
    assert {page.page_id for page in rank_pages(store, queries[0], limit=200)} == names()
