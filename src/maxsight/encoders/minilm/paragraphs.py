"""all-MiniLM-L6-v2 as it was trained: one vector for a whole paragraph or phrase, the mean of its tokens."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from maxsight.encoders.batching import run_together
from maxsight.encoders.minilm import PARAGRAPHS
from maxsight.encoders.minilm.encoder import FOLDER
from maxsight.encoders.minilm.language import language_notice
from maxsight.encoders.minilm.model import Network
from maxsight.encoders.minilm.recipe import Recipe, unit
from maxsight.encoders.minilm.tokens import CLS, SEP, WordPieceTokenizer, cut_windows
from maxsight.encoders.paragraphs import ParagraphEncoder
from maxsight.types import EmbeddingSpace

DIM = 384
WINDOW = 256
"""Most tokens of a window, as the model's publishers set it."""


class MiniLMParagraphs(ParagraphEncoder):
    """One vector per paragraph: the mean of its tokens' hidden states.

    A paragraph of more tokens than the model reads at once is read in windows, and the mean is over all of them. The
    model learned English.

    Args:
        threads: Threads of the network; None takes every core.

    Raises:
        ModelNotAvailableError: The model files are missing or damaged.
    """

    def __init__(self, threads: int | None = None) -> None:
        self._revision = f"{Recipe.read(FOLDER).revision}-mean"
        self._tokenizer = WordPieceTokenizer(FOLDER / "tokenizer.json")
        self._network = Network(FOLDER / "model.onnx", threads)

    @property
    def space(self) -> EmbeddingSpace:
        """The space ``minilm:paragraphs``; not comparable with that of the model's word pieces."""
        return EmbeddingSpace(PARAGRAPHS, self._revision, DIM, query_format="phrases")

    def notice(self, text: str) -> str | None:
        """Say so when the text is mostly not English, the only language the model has learned."""
        return language_notice(text)

    def _embed(self, texts: Sequence[str], *, are_queries: bool) -> NDArray[np.float32]:
        # A text without tokens still has a vector, that of an empty window.
        windows = [
            cut_windows(self._tokenizer.tokenize(text).ids, WINDOW) or [np.array([CLS, SEP])]
            for text in texts
        ]
        hidden = run_together(windows, self._network.hidden_states)
        return unit(np.stack([np.concatenate(states).mean(axis=0) for states in hidden]))
