"""Cross-encoders of text, by sentence-transformers: classifiers with one label, and language models that say yes or no.

A page that is longer than the model reads is cut into windows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from sentence_transformers import CrossEncoder

from maxsight.encoders.base import EncoderOptions
from maxsight.encoders.checkpoints.quiet import quiet
from maxsight.reranking.base import Candidate
from maxsight.reranking.checkpoint import Scorer, checked_scores

MAX_TOKENS = 2048
"""A page of 1,000 words has fewer."""
SPARE_TOKENS = 8
"""A window's first and last word may have more tokens alone than in the whole text."""


class TextPair(NamedTuple):
    """A question and a window of a page.

    Attributes:
        question: The question, as much of it as fits.
        text: The window.
        tokens: How many tokens both have.
    """

    question: str
    text: str
    tokens: int


class TextScorer(Scorer[TextPair, dict[str, Any]]):
    """A cross-encoder on one device."""

    def __init__(self, model: CrossEncoder, device: torch.device, options: EncoderOptions) -> None:
        super().__init__(model, device, options)
        self._model = model
        self._prompt = model.prompts.get(model.default_prompt_name)
        self._around = int(self._inputs([("", "")])["input_ids"].shape[1])

    @property
    def max_tokens(self) -> int:
        """The most tokens of a question and a window."""
        return min(self._model.max_seq_length or MAX_TOKENS, MAX_TOKENS)

    def pair(self, question: str, candidate: Candidate) -> list[TextPair]:
        """Pair a question with the windows of a page's text."""
        if not candidate.text.strip():
            return []
        room = self.max_tokens - self._around - SPARE_TOKENS
        question, *_ = self._windows(question, room // 2) or [question]
        asked = len(self._starts(question))
        windows = self._windows(candidate.text, room - asked)
        return [TextPair(question, text, self._around + asked + len(self._starts(text))) for text in windows]

    def tokens(self, item: TextPair) -> int:
        """Count the tokens of a pair."""
        return item.tokens

    def _starts(self, text: str) -> list[int]:
        """Tell where each token of a text begins."""
        with quiet():
            tokens = self._model.tokenizer(
                text, add_special_tokens=False, return_offsets_mapping=True, truncation=False, verbose=False
            )
        return [start for start, _ in tokens["offset_mapping"]]

    def _windows(self, text: str, room: int) -> list[str]:
        """Cut a text, between words where there are spaces."""
        starts = self._starts(text)
        windows, at = [], 0
        while at < len(starts):
            end = at + room
            if end < len(starts):
                spaced = (
                    cut
                    for cut in range(end, at, -1)
                    if any(map(str.isspace, text[starts[cut] - 1 : starts[cut] + 1]))
                )
                end = next(spaced, end)
            until = starts[end] if end < len(starts) else len(text)
            windows.append(text[starts[at] : until].strip())
            at = end
        return windows

    def _longest_item(self) -> TextPair:
        return TextPair("a", "a " * (self.max_tokens - self._around - SPARE_TOKENS), self.max_tokens)

    def _prepare(self, items: Sequence[TextPair]) -> dict[str, Any]:
        return self._inputs([(item.question, item.text) for item in items])

    def _inputs(self, pairs: list[tuple[str, str]]) -> dict[str, Any]:
        with quiet():
            return dict(self._model.preprocess(pairs, prompt=self._prompt))

    def _launch(self, batch: dict[str, Any]) -> Callable[[], list[float]]:
        moved = {
            name: value.to(self.device) if torch.is_tensor(value) else value for name, value in batch.items()
        }
        with torch.inference_mode():
            scores = self._model(moved)["scores"]

        def collect() -> list[float]:
            # Float64, since a sigmoid in float32 makes all good pages equal.
            return checked_scores(self._model.activation_fn(scores.float().cpu().double()).reshape(-1))

        return collect
