"""How sure a search is that the library answers: a probability, learned offline for each encoder.

It is a logistic regression of four features of the first hit and the query. `benchmarks/learn_answerability.py` learns
it from questions whose documents are in a library, and from the same questions where they are left out.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from maxsight.results import Match
from maxsight.types import EmbeddingSpace

MODELS = Path(__file__).with_suffix(".json")
MAX_ABSENT = 2


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks for an answer on the first hit.

    Attributes:
        standing: How far the score stands out from an average page: 0 as there, 1 as high as it can be.
        contrast: How far the matches of the telling words stand out, on average: 1 for each that the page has to the
            letter.
        named: 1 if the query names a document of the library, or a filter does; else 0.
        absent: How many names, numbers and rare words of the query no page has, at most `MAX_ABSENT`.
    """

    standing: float
    contrast: float
    named: float
    absent: float

    @classmethod
    def of(cls, matches: Sequence[Match], standing: float, *, named: bool, absent: int) -> Evidence:
        """Sum up the matches of a page."""
        telling = [match for match in matches if not match.common]
        mean = sum(match.contrast for match in telling) / max(1, len(telling))
        return cls(standing, mean, float(named), float(min(absent, MAX_ABSENT)))


@dataclass(frozen=True, slots=True)
class AnswerModel:
    """A learned model.

    Attributes:
        bias: The log odds of an answer without evidence.
        weights: Added for each feature of the evidence, by its name.
        threshold: Below this probability, nothing seems to answer.
        figures: What was measured on documents that it was not learned from.
    """

    bias: float
    weights: Mapping[str, float]
    threshold: float
    figures: Mapping[str, float]

    def probability(self, evidence: Evidence) -> float:
        """Return the probability that the library answers, in [0, 1]."""
        odds = self.bias + sum(weight * getattr(evidence, name) for name, weight in self.weights.items())
        return 1 / (1 + math.exp(-odds))

    def judge(self, matches: Sequence[Match], standing: float, *, named: bool, absent: int) -> float:
        """Return the same probability, by the first hit; see ``Evidence``."""
        return self.probability(Evidence.of(matches, standing, named=named, absent=absent))


@cache
def model_for(space: EmbeddingSpace) -> AnswerModel | None:
    """Return the model that was learned for an encoder's vectors; None if there is none."""
    learned = json.loads(MODELS.read_text(encoding="utf-8"))
    return AnswerModel(**learned[space.revision]) if space.revision in learned else None
