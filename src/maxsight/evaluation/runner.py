"""Asking every question and measuring the ranks of the answers."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from maxsight.evaluation.datasets import Question

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
        nDCG, recall and MRR up to ``depth``, as trec_eval has them: the grade is the gain of nDCG.
    """
    run: dict[str, dict[str, float]] = {}
    figures: dict[str, dict[str, float]] = {}
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
        figures[question.query_id] = measure(relevant(question), ranking, depth)
    results = tuple(
        QuestionResult(name, figures[name], latencies[name], problems.get(name), question.labels, run[name])
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


def measure(grades: Mapping[str, int], ranking: Ranking, depth: int) -> dict[str, float]:
    """Compute the measures of one question as trec_eval does; 0 where there was no answer.

    Args:
        grades: How relevant pages are.
        ranking: The pages that were found.
        depth: Measures up to this many pages are computed.
    """
    order = sorted(ranking, key=lambda page: (ranking[page], page), reverse=True)
    gains = np.array([max(grades.get(page, 0), 0) for page in order], float)
    ideal = np.sort(np.array([grade for grade in grades.values() if grade > 0], float))[::-1]
    first = int(np.argmax(gains > 0)) + 1 if gains.any() else math.inf
    figures = {f"nDCG@{k}": _dcg(gains[:k]) / (_dcg(ideal[:k]) or 1.0) for k in (5, 10)}
    figures |= {f"recall@{k}": np.count_nonzero(gains[:k]) / max(1, len(ideal)) for k in (1, 5, 10, 100)}
    figures["MRR@10"] = 1 / first if first <= 10 else 0.0
    return {name: float(value) for name, value in figures.items() if int(name.partition("@")[2]) <= depth}


def _dcg(gains: NDArray[np.float64]) -> float:
    return float(gains @ (1 / np.log2(np.arange(2, len(gains) + 2))))
