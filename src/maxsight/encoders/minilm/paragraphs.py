"""all-MiniLM-L6-v2 as it was trained: one vector for a whole paragraph or phrase, the mean of its tokens."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from maxsight.encoders.batching import run_together
from maxsight.encoders.minilm import PARAGRAPHS
from maxsight.encoders.minilm.model import MiniLMBase
from maxsight.encoders.minilm.recipe import unit
from maxsight.encoders.minilm.tokens import CLS, SEP, cut_windows
from maxsight.encoders.paragraphs import ParagraphEncoder
from maxsight.types import EmbeddingSpace

DIM = 384
WINDOW = 256
"""The most tokens of a window, as the model's publishers set it."""


class MiniLMParagraphs(MiniLMBase, ParagraphEncoder):
    """One vector per paragraph: the mean of its tokens' hidden states.

    A longer paragraph than the model reads at once is read in windows, and the mean is over all of them.
    """

    @property
    def space(self) -> EmbeddingSpace:
        """The space ``minilm:paragraphs``; not comparable with that of the model's word pieces."""
        return EmbeddingSpace(PARAGRAPHS, f"{self._recipe.revision}-mean", DIM, query_format="phrases")

    def _embed(self, texts: Sequence[str], *, are_queries: bool) -> NDArray[np.float32]:
        # A text without tokens still has a vector, that of an empty window.
        windows = [
            cut_windows(self._tokenizer.tokenize(text).ids, WINDOW) or [np.array([CLS, SEP])]
            for text in texts
        ]
        hidden = run_together(windows, self._network.hidden_states)
        return unit(np.stack([np.concatenate(states).mean(axis=0) for states in hidden]))
