"""Asking every question and measuring the ranks of the answers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

import ir_measures
import numpy as np

from maxsight.evaluation.datasets import Question

MEASURES = ("nDCG@5", "nDCG@10", "R@1", "R@5", "R@10", "R@100", "RR@10")
NAMES = {"R@1": "recall@1", "R@5": "recall@5", "R@10": "recall@10", "R@100": "recall@100", "RR@10": "MRR@10"}
DEPTH = 10

Ranking = Mapping[str, float]
"""Scores by page; higher is better."""


@dataclass(frozen=True, slots=True)
class QuestionResult:
    """The result of one question.

    Attributes:
        query_id: Identifies the question.
        measures: Measures by name, each in [0, 1].
        latency_ms: Time of the search, with query encoding.
        problem: Why there was no answer, or None.
        labels: Values to group results by, by name.
        ranking: What was found.
    """

    query_id: str
    measures: Mapping[str, float]
    latency_ms: float
    problem: str | None
    labels: Mapping[str, tuple[str, ...]]
    ranking: Ranking


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The result of all questions.

    Attributes:
        measures: Means by name. A question without an answer counts as 0.
        questions: The result of each question.
        latency_p50_ms: Median search time.
        latency_p95_ms: 95th percentile.
        notices: What a user should know before trusting the figures.
    """

    measures: Mapping[str, float]
    questions: tuple[QuestionResult, ...]
    latency_p50_ms: float
    latency_p95_ms: float
    notices: tuple[str, ...] = ()

    def by(self, label: str) -> dict[str, tuple[int, Mapping[str, float]]]:
        """Group the questions by a label, and return their number and means for each value.

        A question with several values counts in the group of each.
        """
        groups: dict[str, list[QuestionResult]] = {}
        for question in self.questions:
            for value in question.labels.get(label, ()):
                groups.setdefault(value, []).append(question)
        return {value: (len(group), _means(group)) for value, group in sorted(groups.items())}

    def trec_run(self) -> Iterator[str]:
        """Give the lines of a TREC run file: query, ``Q0``, page, rank, score, name of the run.

        Scores say the rank only, as a fused order is not that of the scores. White space in names is percent-encoded.
        """
        for question in self.questions:
            query = _without_spaces(question.query_id)
            for rank, (page, score) in enumerate(question.ranking.items(), start=1):
                yield f"{query} Q0 {_without_spaces(page)} {rank} {score:.6f} maxsight"


def evaluate(
    questions: Sequence[Question],
    search: Callable[[Question], Ranking | str],
    relevant: Callable[[Question], Mapping[str, int]],
    *,
    depth: int = DEPTH,
) -> Evaluation:
    """Measure a ranking.

    Args:
        questions: What to ask.
        search: Returns the scores of the best pages, best first, or why there is no answer.
        relevant: Returns how relevant pages are to a question. They are named as by ``search``.
        depth: How many pages ``search`` returns.

    Returns:
        nDCG, recall and MRR up to ``depth``, computed by ir-measures; nDCG as trec_eval has it, with the grade
        as gain.
    """
    run: dict[str, dict[str, float]] = {}
    truth: dict[str, dict[str, int]] = {}
    latencies: dict[str, float] = {}
    problems: dict[str, str] = {}
    for question in questions:
        start = time.perf_counter()
        ranking = search(question)
        latencies[question.query_id] = (time.perf_counter() - start) * 1000
        if isinstance(ranking, str):
            problems[question.query_id] = ranking
            ranking = {}
        run[question.query_id] = dict(ranking)
        truth[question.query_id] = dict(relevant(question))
    by_question = _measure(truth, run, depth)
    results = tuple(
        QuestionResult(
            name, by_question[name], latencies[name], problems.get(name), question.labels, run[name]
        )
        for question in questions
        for name in [question.query_id]
    )
    p50, p95 = np.percentile(list(latencies.values()), [50, 95])
    return Evaluation(_means(results), results, float(p50), float(p95))


def _means(results: Sequence[QuestionResult]) -> dict[str, float]:
    return {
        name: float(np.mean([result.measures[name] for result in results])) for name in results[0].measures
    }


def _without_spaces(name: str) -> str:
    return "".join(quote(letter) if letter.isspace() else letter for letter in name)


def _measure(
    truth: Mapping[str, Mapping[str, int]], run: Mapping[str, Mapping[str, float]], depth: int
) -> dict[str, dict[str, float]]:
    """Compute each measure for each question; 0 if there was no answer."""
    measures = {
        ir_measures.parse_measure(name): NAMES.get(name, name)
        for name in MEASURES
        if int(name.partition("@")[2]) <= depth
    }
    figures = {query_id: dict.fromkeys(measures.values(), 0.0) for query_id in run}
    for metric in ir_measures.iter_calc(list(measures), truth, run):
        figures[metric.query_id][measures[metric.measure]] = float(metric.value)
    return figures
