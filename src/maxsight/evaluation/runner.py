"""Asking every question and measuring the ranks of the answers."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import ir_measures
import numpy as np

from maxsight.evaluation.datasets import Question

MEASURES = ("nDCG@5", "R@1", "R@5", "R@10", "RR@10")
NAMES = {"R@1": "recall@1", "R@5": "recall@5", "R@10": "recall@10", "RR@10": "MRR@10"}
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
    """

    query_id: str
    measures: Mapping[str, float]
    latency_ms: float
    problem: str | None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The result of all questions.

    Attributes:
        measures: Means by name. A question without an answer counts as 0.
        questions: The result of each question.
        latency_p50_ms: Median search time.
        latency_p95_ms: 95th percentile.
    """

    measures: Mapping[str, float]
    questions: tuple[QuestionResult, ...]
    latency_p50_ms: float
    latency_p95_ms: float


def evaluate(
    questions: Sequence[Question],
    search: Callable[[Question], Ranking | str],
    relevant: Callable[[Question], Sequence[str]],
) -> Evaluation:
    """Measure a ranking.

    Args:
        questions: What to ask.
        search: Returns the scores of the best ``DEPTH`` pages, or why there is no answer.
        relevant: Returns the pages that answer a question, named as by ``search``.

    Returns:
        nDCG@5, recall@1, @5 and @10 and MRR@10, computed by ir-measures.
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
        truth[question.query_id] = dict.fromkeys(relevant(question), 1)
    by_question = _measure(truth, run)
    results = tuple(
        QuestionResult(name, by_question[name], latencies[name], problems.get(name)) for name in latencies
    )
    means = {
        name: float(np.mean([result.measures[name] for result in results])) for name in results[0].measures
    }
    p50, p95 = np.percentile(list(latencies.values()), [50, 95])
    return Evaluation(means, results, float(p50), float(p95))


def _measure(
    truth: Mapping[str, Mapping[str, int]], run: Mapping[str, Mapping[str, float]]
) -> dict[str, dict[str, float]]:
    """Compute each measure for each question; 0 if there was no answer."""
    measures = {ir_measures.parse_measure(name): NAMES.get(name, name) for name in MEASURES}
    figures = {query_id: dict.fromkeys(measures.values(), 0.0) for query_id in run}
    for metric in ir_measures.iter_calc(list(measures), truth, run):
        figures[metric.query_id][measures[metric.measure]] = float(metric.value)
    return figures
