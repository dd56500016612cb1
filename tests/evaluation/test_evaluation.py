import math

import numpy as np
import pytest

from maxsight.errors import InputError
from maxsight.evaluation.datasets import Question, load_questions
from maxsight.evaluation.runner import evaluate, measure


def measured(rankings, relevant):
    """Measure rankings given as lists of pages, best first, or a reason why there is none."""
    questions = [Question(str(number), "q", "f", ()) for number in range(len(rankings))]
    return evaluate(
        questions,
        lambda question: rank(rankings[int(question.query_id)]),
        lambda question: dict.fromkeys(relevant[int(question.query_id)], 1),
    )


def rank(pages):
    return pages if isinstance(pages, str) else {page: 1 / place for place, page in enumerate(pages, start=1)}


def test_measures_equal_those_worked_by_hand():
    """The answer at rank 2: nDCG@5 = 1/log2(3), MRR 1/2, recall@1 0. Of two answers one at rank 1, one missing:
    nDCG@5 = 1 / (1 + 1/log2(3)), recall@10 1/2."""
    result = measured([["a", "b"], ["x", "y"]], [["b"], ["x", "z"]])
    first, second = (question.measures for question in result.questions)
    assert first["nDCG@5"] == pytest.approx(1 / math.log2(3))
    assert (first["MRR@10"], first["recall@1"], first["recall@5"]) == (0.5, 0, 1)
    assert second["nDCG@5"] == pytest.approx(1 / (1 + 1 / math.log2(3)))
    assert (second["recall@1"], second["recall@10"]) == (0.5, 0.5)
    assert result.measures["MRR@10"] == pytest.approx(0.75)


def test_a_question_without_an_answer_counts_as_nothing():
    result = measured([["a"], [], "not in the library"], [["a"], ["b"], ["c"]])
    assert result.measures["nDCG@5"] == pytest.approx(1 / 3)
    assert [question.problem for question in result.questions] == [None, None, "not in the library"]


def test_questions_are_read_with_their_pages(tmp_path):
    file = tmp_path / "q.jsonl"
    file.write_text(
        '{"query_id": "a", "query": "why?", "file": "x.pdf", "page_indices": [0, 3], "answer": "so"}\n\n'
    )
    assert load_questions(file) == [Question("a", "why?", "x.pdf", (0, 3))]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("{}", "line 1: query is missing"),
        ('{"query": "q", "file": "f"}', "line 1: page_indices is missing"),
        ('{"query": "q", "file": "f", "page_indices": 3}', "line 1: page_indices is 3, expected a list"),
        ('{"query": "q", "file": "f", "page_indices": [0.5]}', r"page_indices is \[0.5\], expected a list"),
        ('{"query": "q", "file": "f", "page_indices": [-1]}', r"page_indices is \[-1\], expected a list"),
        ('{"query": "q", "file": null, "page_indices": [0]}', "line 1: file is null, expected a text"),
        ('\n{"query": "q", "file": f.pdf}', "line 2: not JSON from character 24 on: Expecting value"),
        ("nonsense", "line 1: not JSON from character 1 on"),
        ("[1]", "line 1: expected a JSON object, got list"),
        ("", "no questions"),
        ('{"query_id": "a", "query": "q", "file": "f", "page_indices": []}\n' * 2, "appears twice"),
    ],
)
def test_what_is_no_question_is_named_by_its_line(tmp_path, content, complaint):
    file = tmp_path / "q.jsonl"
    file.write_text(content)
    with pytest.raises(InputError, match=complaint):
        load_questions(file)


def test_the_measures_are_those_of_trec_eval():
    """Random grades and rankings with unknown pages and pages that do not answer, compared with ir-measures."""
    ir_measures = pytest.importorskip("ir_measures")
    names = {name: name for name in ("nDCG@5", "nDCG@10")}
    names |= {f"R@{k}": f"recall@{k}" for k in (1, 5, 10, 100)} | {"RR@10": "MRR@10"}
    measures = {ir_measures.parse_measure(name): ours for name, ours in names.items()}
    random = np.random.default_rng(3)
    truth = {
        str(query): {
            f"p{page}": int(random.integers(0, 4)) for page in random.permutation(60)[: query % 9 + 1]
        }
        for query in range(60)
    }
    for query in truth:
        truth[query]["p0"] = 1
    run = {
        query: {
            f"p{page}": 1 / (1 + place)
            for place, page in enumerate(random.permutation(80)[: int(query) % 30])
        }
        for query in truth
    }
    expected = {query: dict.fromkeys(names.values(), 0.0) for query in truth}
    for metric in ir_measures.iter_calc(list(measures), truth, run):
        expected[metric.query_id][measures[metric.measure]] = metric.value
    for query in truth:
        assert measure(truth[query], run[query], 100) == pytest.approx(expected[query], abs=1e-5), query
    assert set(measure(truth["0"], run["0"], 10)) == {*names.values()} - {"recall@100"}
