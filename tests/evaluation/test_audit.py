"""The audit on a store whose candidates are known, so that every figure can be worked out by hand."""

from dataclasses import replace

import numpy as np
import pytest

from maxsight.errors import EmptyQueryError, InputError
from maxsight.evaluation import audit as auditing
from maxsight.evaluation.audit import audit_search, candidate_ladder, lower_bound, recall
from maxsight.evaluation.sampling import FROM_TEXT, FROM_VECTORS, sample_queries
from maxsight.retrieval.codes import default_candidates
from maxsight.retrieval.search import ScoredPage
from maxsight.stores.memory import MemoryStore
from maxsight.stores.ragged import PageVectors
from maxsight.types import PageEmbedding, QueryEmbedding, Regions
from store_pages import ENCODER, MANIFEST, make_page

PAGES = 300
PLACES = (0, 40, 70, 90, 100, 110, 120, 130, 200, 299)
"""Where the ten best pages stand among the candidates."""


class OrderedStore(MemoryStore):
    """Takes its pages for likely in the order in which they were put, whatever the query."""

    def nearest(self, queries, limit, *, where=None, candidates=None):
        looked_at = list(self._pages.values())[: max(limit, candidates)]
        found = []
        for query in queries:
            scores = [(query @ page.embedding.vectors.T).max(axis=1).sum() for page in looked_at]
            best = [looked_at[place] for place in np.argsort(-np.array(scores), kind="stable")[:limit]]
            vectors = [page.embedding.vectors for page in best]
            found.append(
                PageVectors.from_arrays([page.page_id for page in best], vectors, self.manifest.space.dim)
            )
        return found


def turned(degrees):
    """A unit vector that far from the query's."""
    vector = np.zeros((1, ENCODER.space.dim), np.float32)
    vector[0, :2] = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return vector


QUERY = QueryEmbedding("east", turned(0), ("east",), np.zeros(1, np.int32))
SPANS = Regions(None, np.array([[0, 1]], np.int32))


@pytest.fixture
def store():
    store = OrderedStore(MANIFEST)
    for place in range(PAGES):
        degrees = 2 + PLACES.index(place) if place in PLACES else 30 + place / 10
        page = make_page(f"{place:03}.txt", 0, "x", boxed=False)
        store.put([replace(page, embedding=PageEmbedding(turned(degrees), SPANS))])
    return store


def audited(store, queries=(QUERY,), **options):
    return audit_search(store, list(queries), source="given", **options)


def test_recall_is_the_share_of_the_exact_best_that_each_number_of_candidates_holds(store):
    """Among the first 64, 128, 256 and 300 candidates stand 2, 7, 9 and 10 of the ten best."""
    found = {setting.candidates: setting.recall for setting in audited(store).settings}
    assert found == pytest.approx({64: 0.2, 128: 0.7, 256: 0.9, 300: 1.0})


def test_an_audit_gives_the_mean_and_the_worst_recall_over_queries(store):
    """North finds page 299 best, then 298 and so on: none of these ten is among the first 256."""
    north = QueryEmbedding("north", turned(90), ("north",), np.zeros(1, np.int32))
    setting = audited(store, [QUERY, north]).settings[-2]
    assert (setting.candidates, setting.recall, setting.lowest) == (256, pytest.approx(0.45), 0.0)


def test_what_the_mean_surely_is_follows_from_how_far_queries_lie_apart():
    """Recalls of 1, 1, 0.8 and 0.8 have a mean of 0.9 and a deviation of 0.1155: 0.9 - 1.645 * 0.1155 / 2 = 0.805."""
    assert lower_bound([1.0, 1.0, 0.8, 0.8]) == pytest.approx(0.80502, abs=1e-5)
    assert lower_bound([0.0, 1.0]) == 0.0
    assert (lower_bound([0.7]), lower_bound([1.0] * 9)) == (0.7, 1.0)


@pytest.mark.parametrize(("target", "candidates"), [(0.2, 64), (0.9, 256), (0.99, 300)])
def test_the_recommendation_meets_the_target(store, target, candidates):
    audit = audited(store, target=target)
    audit = replace(audit, settings=tuple(replace(one, latency_p50_ms=1.0) for one in audit.settings))
    assert (audit.target, audit.recommended.candidates) == (target, candidates)


def test_an_audit_reports_what_was_measured(store):
    steps = []
    audit = audited(store, [QUERY] * 3, top_k=2, on_progress=lambda done, total: steps.append((done, total)))
    assert (audit.pages, audit.queries, audit.source, audit.top_k) == (300, 3, "given", 2)
    assert audit.default == 300
    assert audit.exact_ms > 0 and all(setting.latency_p95_ms > 0 for setting in audit.settings)
    assert steps[-1] == (15, 15) and steps == sorted(steps)


def test_exact_rankings_do_not_depend_on_how_many_queries_share_a_scan(store, monkeypatch):
    north = QueryEmbedding("north", turned(90), ("north",), np.zeros(1, np.int32))
    queries = [QUERY, north, QUERY]
    together = [setting.recall for setting in audited(store, queries).settings]
    monkeypatch.setattr(auditing, "MAX_SCORES", 1)
    assert [setting.recall for setting in audited(store, queries).settings] == together


def test_candidates_go_in_powers_of_two_to_all_pages_past_those_that_are_scored_anyway():
    assert candidate_ladder(600, 10) == [64, 128, 256, 512, 600]
    assert candidate_ladder(600, 40) == [128, 256, 512, 600]
    assert candidate_ladder(30, 10) == [30]
    assert candidate_ladder(9000, 500) == sorted({2048, 4096, 8192, 9000, default_candidates(9000, 1500)})


def test_a_page_as_good_as_the_last_of_the_best_counts_as_one():
    """Of two copies either may be found."""
    exact = [ScoredPage("a", 3.0), ScoredPage("b", 2.0)]
    assert recall([ScoredPage("a", 3.0), ScoredPage("copy of b", 2.0)], exact) == 1.0
    assert recall([ScoredPage("a", 3.0), ScoredPage("c", 1.9)], exact) == 0.5
    assert recall([], exact) == 0.0


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"top_k": 0}, "at least one page"),
        ({"target": 0}, "between 0 and 1"),
        ({"target": 1.1}, "between 0 and 1"),
    ],
)
def test_what_makes_no_sense_is_refused(store, options, complaint):
    with pytest.raises(InputError, match=complaint):
        audited(store, **options)


def test_nothing_can_be_measured_without_pages_or_queries(store):
    with pytest.raises(InputError, match="300 pages and 0 queries"):
        audited(store, [])
    with pytest.raises(InputError, match="0 pages and 1 queries"):
        audited(MemoryStore(MANIFEST))


# Queries made of pages ------------------------------------------------------------------------------------

LINES = "Rivers carry sediment to the sea. Short.\nDeltas grow where rivers slow down\n12 34 56 78"


def sampled(store, count, **options):
    options = {"encode": ENCODER.encode_query} | options
    return sample_queries(store, [page.page_id for page in store._pages.values()], count, **options)


def library_of(*pages):
    store = MemoryStore(MANIFEST)
    store.put(pages)
    return store


def test_lines_of_pages_are_asked_each_once():
    store = library_of(make_page("a.txt", 0, LINES), make_page("b.txt", 0, "Sails turn wind into motion"))
    queries, source = sampled(store, 50)
    assert source == FROM_TEXT
    assert sorted(query.text for query in queries) == [
        "12 34 56 78",
        "Deltas grow where rivers slow down",
        "Rivers carry sediment to the sea.",
        "Sails turn wind into motion",
    ]


def test_a_line_that_can_not_be_searched_for_is_passed_over():
    def encode(text):
        if text[0].isdigit():
            raise EmptyQueryError("no words")
        return ENCODER.encode_query(text)

    queries, _ = sampled(library_of(make_page("a.txt", 0, LINES)), 50, encode=encode)
    assert len(queries) == 2


def test_pages_without_text_are_asked_for_by_their_vectors():
    rng = np.random.default_rng(0)
    pages = []
    for number in range(4):
        vectors = rng.standard_normal((30, ENCODER.space.dim)).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        spans = np.tile(np.array([[0, 0]], np.int32), (30, 1))
        pages.append(
            replace(make_page(f"{number}.png", 0, ""), embedding=PageEmbedding(vectors, Regions(None, spans)))
        )
    store = library_of(*pages, make_page("blank.png", 0, ""))
    queries, source = sampled(store, 6)
    assert (len(queries), source) == (6, FROM_VECTORS)
    stored = np.concatenate([page.embedding.vectors for page in store._pages.values()]).astype(np.float32)
    for query in queries[1:]:
        assert len(query.vectors) == 16
        assert (np.abs(query.vectors[:, None] - stored).max(axis=2).min(axis=1) == 0).all()


def test_one_seed_gives_the_same_queries_and_another_others():
    store = library_of(*(make_page(f"{n}.txt", 0, f"page number {n} of many") for n in range(20)))
    first, same, other = ([query.text for query in sampled(store, 5, seed=seed)[0]] for seed in (0, 0, 1))
    assert first == same != other


def test_a_library_with_nothing_on_its_pages_gives_no_queries():
    assert sampled(library_of(make_page("blank.png", 0, "")), 5)[0] == []
