"""Not here: how sure a search is that the library answers, and what is said if nothing seems to."""

import json

import pytest
from click.testing import CliRunner

from maxsight import Library
from maxsight.cli.app import main
from maxsight.evaluation.answerability import AnswerModel, Evidence, model_for
from maxsight.results import Match, Region, doubts
from maxsight.types import EmbeddingSpace

NOTES = {
    "orchard.txt": "The orchard sells cider and apples from May to October. Visitors may pick their own fruit.",
    "boiler.txt": "The boiler was repaired on Monday. The valve of the pump had a leak.",
}
NOTHING = "nothing here seems to answer this; the nearest pages are shown"


@pytest.fixture(scope="module")
def notes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("notes")
    for name, text in NOTES.items():
        (folder / name).write_text(text)
    with Library.create(folder / "notes.library") as library:
        library.index([folder / name for name in NOTES])
        yield library


def test_the_probability_is_that_of_a_logistic_regression():
    """-1 + 2 * 0.5 + 1 * 0.25 + 3 * 1 - 0.5 * 2 = 2.25, and 1 / (1 + exp(-2.25)) = 0.905."""
    model = AnswerModel(-1.0, {"standing": 2.0, "contrast": 1.0, "named": 3.0, "absent": -0.5}, 0.1, {})
    region = Region(None, "x")
    matches = [
        Match("the", 1, region, contrast=0.9, common=True),
        Match("pump", 1, region, contrast=0.5),
        Match("leak", 1, region),
    ]
    evidence = Evidence.of(matches, 0.5, named=True, absent=5)
    assert evidence == Evidence(0.5, 0.25, 1.0, 2.0)
    assert model.probability(evidence) == pytest.approx(0.905, abs=0.001)


def test_a_question_that_the_library_answers_is_likelier_than_one_it_does_not(notes):
    here = notes.search("What was wrong with the pump?")
    away = notes.search("Who wrote the opera about the barber of Seville?")
    assert here[0].answers > 0.3 > away[0].answers
    assert not here[0].doubtful and doubts(here) == []
    assert away[0].doubtful and doubts(away) == [NOTHING]
    assert [hit.answers for hit in away[1:]] == [None]


def test_a_name_that_no_page_has_is_told_and_counts_against_an_answer(notes):
    known, unknown = (
        "What was wrong with the pump of the Boiler?",
        "What was wrong with the pump of Netflix?",
    )
    assert notes.search(known)[0].answers > 2 * notes.search(unknown)[0].answers
    assert notes.notices(known) == []
    assert notes.notices(unknown)[0].startswith('no page has "Netflix" to the letter')


def test_a_filter_says_where_the_answer_is(notes):
    question = "When can I come and pick?"
    open_ended, filtered = (
        notes.search(question, where=where)[0] for where in (None, "file = 'orchard.txt'")
    )
    assert filtered.answers > open_ended.answers


def test_vectors_and_encoders_that_it_was_not_learned_for_get_none(notes, tmp_path):
    vectors = notes.encode_query("barber of Seville").vectors
    assert notes.search(vectors)[0].answers is None
    assert model_for(EmbeddingSpace("fake", "no such revision", 8)) is None
    (tmp_path / "a.txt").write_text(NOTES["boiler.txt"])
    with Library.create(tmp_path / "fake.library", encoder="fake") as library:
        library.index(tmp_path / "a.txt")
        (hit,) = library.search("Seville")
        assert hit.answers is None and not hit.doubtful


def test_the_shipped_model_says_how_well_it_does_on_documents_that_it_was_not_learned_from(notes):
    model = model_for(notes.space)
    assert model.figures["AUROC, document left out"] > 0.9
    assert model.figures["AUROC, other subjects"] > 0.95
    assert model.figures["false alarms"] < 0.05


def test_the_command_says_it_and_json_has_it(notes):
    asked = ["search", "Who wrote the opera about the barber of Seville?", "--library", str(notes.path)]
    result = CliRunner().invoke(main, asked)
    assert result.exit_code == 0 and f"note: {NOTHING}" in result.stderr
    found = json.loads(CliRunner().invoke(main, [*asked, "--json"]).stdout)
    assert found[0]["doubtful"] and 0 <= found[0]["answers"] < 0.2
