"""A reranker whose model is on one or several devices."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from threading import Lock
from typing import Any, TypeVar

import torch
from torch import nn

from maxsight.encoders.base import EncoderOptions
from maxsight.encoders.batching import run_together
from maxsight.encoders.checkpoints.replicas import Replica, encode_on_all, put_on_devices
from maxsight.errors import EncoderError
from maxsight.reranking.base import Candidate, Reads, Reranker

Item = TypeVar("Item")
Batch = TypeVar("Batch")
Model = TypeVar("Model", bound=nn.Module)


class Scorer(Replica[Item, Batch, float]):
    """A model on one device that scores pairs of a question and a part of a page."""

    @abstractmethod
    def pair(self, question: str, candidate: Candidate) -> list[Item]:
        """Pair a question with the parts of a page; empty if there is nothing to read."""

    @abstractmethod
    def tokens(self, item: Item) -> int:
        """Count the tokens of a pair."""


class CheckpointReranker(Reranker):
    """The same model on each of some devices. A page has the score of its best part (MaxP, Dai and Callan 2019).

    Args:
        name: As given by the user.
        reads: What it reads of a page.
        pages: How many pages it reads.
        model: The model. It is moved to the first device and copied to the others.
        scorer: Puts a model on a device.
        options: The devices, and how they compute.

    Raises:
        ModelNotAvailableError: A device is not there.
        EncoderOutOfMemoryError: A device does not hold the model.
    """

    def __init__(
        self,
        name: str,
        reads: Reads,
        pages: int,
        model: Model,
        scorer: Callable[[Model, torch.device, EncoderOptions], Scorer[Any, Any]],
        options: EncoderOptions,
    ) -> None:
        self.name, self.reads, self.pages = name, reads, pages
        self._one_question_at_a_time = Lock()
        self._scorers = put_on_devices(model, scorer, options)

    def score(self, question: str, candidates: Sequence[Candidate]) -> list[float | None]:
        """Score pages; see ``Reranker.score``."""
        first = self._scorers[0]
        with self._one_question_at_a_time:
            pairs = [first.pair(question, candidate) for candidate in candidates]
            scores = run_together(
                pairs, lambda items: encode_on_all(self._scorers, items, list(map(first.tokens, items)))
            )
        return [max(parts, default=None) for parts in scores]


def checked_scores(scores: torch.Tensor) -> list[float]:
    """Return scores as numbers.

    Raises:
        EncoderError: The model's numbers overflowed.
    """
    if not torch.isfinite(scores).all():
        raise EncoderError(
            "the reranker's numbers overflowed",
            hint="Compute in a type of greater range: --dtype bfloat16 or float32.",
        )
    return [float(score) for score in scores]
