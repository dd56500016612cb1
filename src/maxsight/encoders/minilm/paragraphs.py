"""all-MiniLM-L6-v2 as it was trained: one vector for a whole paragraph or phrase, the mean of its tokens."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from maxsight.encoders.batching import run_together
from maxsight.encoders.minilm import PARAGRAPHS
from maxsight.encoders.minilm.model import English, open_model
from maxsight.encoders.minilm.tokens import FRAME
from maxsight.encoders.offline.recipe import unit
from maxsight.encoders.offline.tokens import cut_windows
from maxsight.encoders.paragraphs import ParagraphEncoder
from maxsight.types import EmbeddingSpace

DIM = 384
WINDOW = 256
"""The most tokens of a window, as the model's publishers set it."""


class MiniLMParagraphs(English, ParagraphEncoder):
    """One vector per paragraph: the mean of its tokens' hidden states.

    A longer paragraph than the model reads at once is read in windows, and the mean is over all of them.

    Args:
        threads: Threads of the network; None takes every core.

    Raises:
        ModelNotAvailableError: The model files are missing or damaged.
    """

    def __init__(self, threads: int | None = None) -> None:
        self._model = open_model(threads)

    @property
    def space(self) -> EmbeddingSpace:
        """The space ``minilm:paragraphs``; not comparable with that of the model's word pieces."""
        return EmbeddingSpace(PARAGRAPHS, f"{self._model.recipe.revision}-mean", DIM, query_format="phrases")

    def _embed(self, texts: Sequence[str], *, are_queries: bool) -> NDArray[np.float32]:
        # A text without tokens still has a vector, that of an empty window.
        windows = [
            cut_windows(self._model.tokenizer.tokenize(text).ids, WINDOW, FRAME)
            or [np.array([*FRAME.before, *FRAME.after])]
            for text in texts
        ]
        hidden = run_together(windows, self._model.network.hidden_states)
        return unit(np.stack([np.concatenate(states).mean(axis=0) for states in hidden]))
