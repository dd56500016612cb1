"""What moves pages up, apart from their scores, on pages of the fake encoder: equal words have equal vectors."""

import math
from dataclasses import replace

import pytest

from maxsight import Library
from maxsight.identity import page_id
from maxsight.library import hits
from maxsight.library.boosting import MAX_NAMED, DocumentNames, rare_terms
from maxsight.results import Boost, BoostKind, group_by_document
from maxsight.retrieval.search import Boosts, rank_pages
from maxsight.stores.base import DocumentEntry
from maxsight.stores.memory import MemoryStore
from maxsight.types import Document
from store_pages import ENCODER, MANIFEST, make_page


def page(path, text, index=0, **fields):
    made = make_page(path, index, text, page_count=3, **fields)
    return replace(made, page_id=page_id(path, made.document.content_hash, index))


PAGES = [
    page("ACME_2022_10K.pdf", "Net sales were 77,300 in all markets"),
    page("ACME_2022_10K.pdf", "Code Q3-2022 of the plan", 1),
    page("bestbuy.pdf", "Net sales were 177,300 in all markets"),
    page("bestbuy.pdf", "The plan for code Q3 of 2022", 1),
    page("notes.txt", "Net plan in all markets", company="Ulta Beauty"),
]


@pytest.fixture
def library():
    store = MemoryStore(MANIFEST)
    store.put(PAGES)
    library = Library(store)
    library.encoder = ENCODER
    return library


def found(hits):
    return [(hit.path, hit.page_number) for hit in hits]


@pytest.mark.parametrize("exact", [False, True])
def test_the_page_with_the_number_comes_first_and_says_so(library, exact):
    best = library.search("77,300", exact=exact)[0]
    assert (best.path, best.page_number) == ("ACME_2022_10K.pdf", 1)
    assert [(boost.kind, boost.words) for boost in best.boosts] == [(BoostKind.LETTER, "77,300")]
    size = len(ENCODER.encode_query("77,300").vectors)
    assert best.boosts[0].value == pytest.approx(0.5 * size)


def test_scores_stay_maxsim_and_hits_are_in_the_order_of_score_and_boosts(library):
    hits = library.search("Which net sales were 77300?", top_k=5)
    plain = {
        (hit.path, hit.page_number): hit.score
        for hit in library.search(ENCODER.encode_query("Which net sales were 77300?").vectors, top_k=5)
    }
    assert {(hit.path, hit.page_number): hit.score for hit in hits} == pytest.approx(plain)
    ranked = [hit.score + sum(boost.value for boost in hit.boosts) for hit in hits]
    assert ranked == sorted(ranked, reverse=True)
    assert found(hits)[0] == ("ACME_2022_10K.pdf", 1)


def test_a_quoted_phrase_is_a_condition(library):
    assert found(library.search('"Q3-2022" plan')) == [("ACME_2022_10K.pdf", 2)]
    assert found(library.search("plan", phrases=["net SALES", "177300"])) == [("bestbuy.pdf", 1)]
    assert library.search('"kraken"') == []
    assert {path for path, _ in found(library.search('net sales -"177,300" -plan'))} == {"ACME_2022_10K.pdf"}
    assert found(library.search("plan", where="text CONTAINS 'in all' AND file = 'notes.txt'")) == [
        ("notes.txt", 1)
    ]


def test_questions_with_other_phrases_are_asked_together(library):
    asked = ['"177,300" sales', "plan", '"Q3-2022"', "-plan sales"]
    assert library.search_many(asked) == [library.search(question) for question in asked]


def test_what_no_page_has_is_said(library):
    assert library.notices("sales of E181") == [
        'no page has "E181" to the letter: the hits have similar words, or answer the rest of the query'
    ]
    assert library.notices('"net plan of" sales') == [
        'no page has "net plan of" to the letter: search without the quotation marks for pages that resemble it'
    ]
    (once,) = library.notices('"E181" sales')
    assert once.startswith('no page has "E181" to the letter: search without')
    both = library.notices('"77,300" "177,300"')
    assert both[-1].startswith('no page has "77,300", "177,300" to the letter')
    assert library.notices("sales -plan") == ['pages with "plan" are left out']
    assert library.notices('"net sales" 77,300') == []


@pytest.mark.parametrize("question", ["plan of acme", "Plan of ACME's", "plan of ACME?"])
def test_a_document_that_the_question_names_comes_first(library, question):
    size = len(ENCODER.encode_query(question).vectors)
    best = library.search(question)[0]
    assert (best.path, best.page_number) == ("ACME_2022_10K.pdf", 2)
    assert best.boosts[-1] == Boost(BoostKind.NAME, "acme", pytest.approx(0.15 * size))
    assert not any(
        boost.kind is BoostKind.NAME for hit in library.search(question, names=False) for boost in hit.boosts
    )


def test_joined_names_and_fields_name_a_document(library):
    assert library.search("plan of Best Buy")[0].boosts[-1].words == "bestbuy"
    assert [
        boost.words
        for boost in library.search("Ulta Beauty plan", top_k=9)[0].boosts
        if boost.kind is BoostKind.NAME
    ] == ["ulta beauty"]


def test_words_that_name_many_documents_weigh_less_and_too_many_nothing():
    def entry(path):
        return DocumentEntry(Document(path, "hash", 1, 1, 1), (0,), 1, {})

    names = DocumentNames([entry("plan a.pdf"), entry("plan b.pdf"), entry("kraken.pdf")])
    (one, other) = names.named_by("the plan")
    assert one.weight == other.weight == pytest.approx(1 - math.log(2) / math.log(4))
    assert [named.weight for named in names.named_by("kraken's")] == [pytest.approx(1)]
    assert names.named_by("what is it") == names.named_by("plan kraken") == []
    many = DocumentNames([entry(f"plan {number}.pdf") for number in range(MAX_NAMED + 1)] + [entry("x.pdf")])
    assert many.named_by("plan") == []


def test_numbers_codes_long_words_and_short_questions_are_looked_up():
    terms = {
        term.text: term.share
        for term in rare_terms(ENCODER.encode_query("How many E18 in Q3-2022 of 77,300 and 12?"))
    }
    assert terms.keys() == {"E18", "Q3-2022", "77,300"}
    assert {term.text for term in rare_terms(ENCODER.encode_query("net sales"))} == {"net sales"}


def test_a_boosted_page_that_the_filter_leaves_out_stays_out():
    store = MemoryStore(MANIFEST)
    store.put(PAGES)
    boosts = Boosts({PAGES[0].page_id: 9.0}, frozenset([PAGES[0].page_id]))
    ranked = rank_pages(store, ENCODER.encode_query("plan"), limit=2, boosts=boosts)
    assert (ranked[0].page_id, ranked[0].boost, len(ranked)) == (PAGES[0].page_id, 9.0, 2)


def test_pages_of_a_document_stand_together_and_keep_their_ranks(library):
    hits = library.search("net plan markets sales code", top_k=5)
    grouped = group_by_document(hits)
    paths = [hit.path for hit in grouped]
    assert paths == sorted(paths, key=paths.index)
    assert sorted(hit.rank for hit in grouped) == [1, 2, 3, 4, 5] and grouped[0].rank == 1


def test_an_explanation_has_the_boosts_apart_from_the_score(library):
    (hit,) = library.search("plan of acme for Q3-2022", top_k=1)
    explained = library.explain_page("plan of acme for Q3-2022", library.page(hit.page_id))
    assert explained.boosts == hit.boosts and len(hit.boosts) == 2
    assert explained.score == pytest.approx(hit.score)


def test_a_word_that_is_too_long_to_be_looked_up_leaves_the_others():
    query = ENCODER.encode_query(f"sales of 177,300 and {'9' * 600}")
    assert [term.text for term in rare_terms(query)] == ["177,300"]


def test_only_the_hits_that_are_shown_are_described_however_many_copies_are_ranked(monkeypatch):
    described = []
    real = hits._hit
    monkeypatch.setattr(hits, "_hit", lambda *given: described.append(given) or real(*given))
    store = MemoryStore(MANIFEST)
    made = [page(f"{number:02}.txt", "net sales") for number in range(30)]
    same = [replace(one, document=replace(one.document, content_hash="a" * 64)) for one in made]
    store.put([*same, page("other.txt", "net plan"), page("third.txt", "all markets")])
    library = Library(store)
    library.encoder = ENCODER
    first, second = library.search("net sales", top_k=2)
    assert (len(first.copies), second.path, len(described)) == (29, "other.txt", 2)
