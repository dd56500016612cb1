"""A library that was audited is searched as the audit recommends; many questions at once find what each finds."""

import shutil
from dataclasses import replace

import numpy as np
import pytest

from maxsight import Library
from maxsight.errors import EmptyQueryError, InputError, LibraryReadOnlyError
from maxsight.identity import page_id
from maxsight.retrieval import codes
from maxsight.stores.audit import Audit, Setting
from store_pages import ENCODER, make_page

PAGES = 100
WORDS = [f"word{number}" for number in range(60)]
QUESTIONS = ["word3 word17", "word5", "word41 word2 word9", "word30 word31"]


def page(number, path=None):
    rng = np.random.default_rng(number)
    text = f"page{number} " + " ".join(rng.choice(WORDS, 12, replace=False))
    made = make_page(path or f"{number:03}.txt", 0, text, boxed=False, year=2000 + number)
    return replace(made, page_id=page_id(made.document.path, made.document.content_hash, 0))


@pytest.fixture(scope="module")
def made_once(tmp_path_factory):
    path = tmp_path_factory.mktemp("audited") / "made.library"
    with Library.create(path, encoder=ENCODER) as library:
        library.store.put([page(number) for number in range(PAGES)])
    return path


@pytest.fixture
def path(tmp_path, made_once):
    return shutil.copytree(made_once, tmp_path / "test.library")


@pytest.fixture
def library(path):
    with Library.open(path, encoder=ENCODER) as library:
        yield library


def audit(**recalls):
    """An audit of this library; ``c64=0.9`` for a recall of 0.9 with 64 candidates."""
    settings = [Setting(int(name[1:]), recall, recall, recall, 1.0, 2.0) for name, recall in recalls.items()]
    return Audit("2026-11-21", PAGES, 20, "given", 10, 0.99, PAGES, 9.0, tuple(settings))


@pytest.fixture
def looked_at(monkeypatch, library):
    """What the store is asked for: the candidates of each search by codes."""
    asked = []
    nearest = library.store.nearest

    def spied(queries, limit, *, where=None, candidates=None):
        asked.append(candidates)
        return nearest(queries, limit, where=where, candidates=candidates)

    monkeypatch.setattr(library.store, "nearest", spied)
    return asked


# Many questions -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options", [{}, {"exact": True}, {"names": False}, {"where": "year < 2040"}, {"top_k": 3}, {"top_k": 99}]
)
def test_many_questions_find_what_each_finds(library, options):
    assert library.search_many(QUESTIONS, **options) == [
        library.search(question, **options) for question in QUESTIONS
    ]


def test_many_questions_share_scans(library, looked_at):
    assert len(library.search_many(QUESTIONS * 20, top_k=5)) == 80
    assert len(looked_at) == 3


def test_copies_take_no_places_from_others_for_any_of_many_questions(library):
    """Thirty copies of the page that answers the first question best are one hit of ten."""
    best = library.search(QUESTIONS[0], top_k=1)[0]
    number = int(best.path[:3])
    original = page(number)
    copies = [page(number, f"copy{copy}.txt") for copy in range(30)]
    library.store.put(
        [
            replace(copy, document=replace(copy.document, content_hash=original.document.content_hash))
            for copy in copies
        ]
    )
    first, *others = library.search_many(QUESTIONS)
    assert len(first) == 10
    assert len(first[0].copies) == 30
    assert [len(hits) for hits in others] == [10, 10, 10]


def test_questions_may_come_from_an_iterator_and_are_not_one_text(library):
    assert library.search_many(iter(QUESTIONS[:2])) == library.search_many(QUESTIONS[:2])
    for ask in (library.search_many, library.audit):
        with pytest.raises(InputError, match="several queries are a list, got a single text"):
            ask("word1")


def test_no_questions_have_no_answers(library):
    assert library.search_many([]) == []


def test_the_question_that_can_not_be_searched_for_is_named(library):
    with pytest.raises(EmptyQueryError, match=r"query 2, '\?\?': "):
        library.search_many(["word1", "??"])
    with pytest.raises(EmptyQueryError) as alone:
        library.search_many(["??"])
    assert "query 1" not in str(alone.value)


# Audits ---------------------------------------------------------------------------------------------------


def test_an_audit_asks_the_library_and_searches_go_by_it(library, looked_at):
    measured = library.audit(QUESTIONS, top_k=5)
    assert [setting.candidates for setting in measured.settings] == [64, 100]
    assert measured.settings[-1].recall == 1.0
    assert (measured.pages, measured.queries, measured.source) == (PAGES, 4, "given")
    looked_at.clear()
    library.adopt(measured)
    library.search(QUESTIONS[0], top_k=5)
    assert looked_at == [measured.recommended.candidates]


def test_without_questions_lines_of_the_librarys_pages_are_asked(library):
    measured = library.audit(sample=7, seed=3)
    assert (measured.queries, measured.source) == (7, "lines of its own pages")


def test_measuring_changes_nothing(library):
    before = library.store.version
    library.audit(QUESTIONS)
    assert library.store.version == before
    assert library.status().audit is None


def test_without_an_audit_the_default_holds(library, looked_at):
    library.search("word1")
    assert looked_at == [None]


def test_a_recall_target_picks_from_what_was_measured(path, library):
    library.adopt(audit(c32=0.8, c64=0.95, c100=1.0))
    for target, candidates in ((0.8, 32), (0.9, 64), (0.999, 100), (None, 100)):
        with Library.open(path, encoder=ENCODER, recall_target=target) as opened:
            asked = []
            opened.store.nearest = lambda *args, candidates, asked=asked, **named: (
                asked.append(candidates) or [next(opened.store.vectors())]
            )
            opened.search("word1", top_k=5)
            assert set(asked) == {candidates}


def test_a_library_that_has_grown_since_is_looked_at_more(library, looked_at):
    """225 pages where 100 were: 48 candidates where 32 were enough. Of 401 pages the audit says nothing any more."""
    library.adopt(audit(c32=1.0, c64=1.0, c100=1.0))
    library.store.put([page(number) for number in range(PAGES, 225)])
    library.search("word1")
    assert looked_at == [48]
    assert library.status().audit_holds
    library.store.put([page(number) for number in range(225, 401)])
    library.search("word1")
    assert looked_at == [48, None]
    assert not library.status().audit_holds


@pytest.mark.parametrize(
    ("measured", "here", "candidates"),
    [(False, False, 64), (True, True, 64), (True, False, 64), (False, True, 149)],
)
def test_a_processor_that_rounds_queries_looks_at_more_than_one_that_does_not(
    library, looked_at, monkeypatch, measured, here, candidates
):
    library.adopt(replace(audit(c32=0.9, c64=1.0, c100=1.0), binary_queries=measured))
    monkeypatch.setattr(codes, "queries_are_binary", lambda: here)
    library.search("word1")
    assert looked_at == [candidates]


def test_where_no_number_of_candidates_is_enough_every_page_is_scored(library, looked_at):
    library.adopt(audit(c32=0.8, c64=0.9, c100=0.95))
    assert library.search(QUESTIONS[0]) == library.search(QUESTIONS[0], exact=True)
    assert looked_at == []


def test_an_audit_of_a_very_small_library_leaves_the_default_for_a_larger_one(library, looked_at):
    library.adopt(audit(c100=1.0))
    library.search("word1")
    assert looked_at == [None]


@pytest.mark.parametrize("target", [0, -1, 1.01])
def test_a_recall_target_is_a_share(path, target):
    with pytest.raises(InputError, match="between 0 and 1"):
        Library.open(path, recall_target=target)


def test_a_library_opened_for_reading_is_audited_and_stores_nothing(path):
    with Library.open(path, encoder=ENCODER, read_only=True) as library:
        measured = library.audit(QUESTIONS)
        with pytest.raises(LibraryReadOnlyError):
            library.adopt(measured)


def test_status_shows_the_audit_that_searches_use(library):
    library.adopt(audit(c64=0.9, c100=1.0))
    assert library.status().audit.recommended.candidates == 100
