"""Texts as tokens, each with its place in the text, and tokens in windows that the network reads at once."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

Window = NDArray[np.int64]
"""Token ids, those of the frame included."""


class Tokens(NamedTuple):
    """The tokens of one text, in reading order, without special ones.

    Attributes:
        ids: Their numbers in the vocabulary. Shape ``(tokens,)``, int64.
        spans: Where each stands in the text. Shape ``(tokens, 2)``, int32.
    """

    ids: NDArray[np.int64]
    spans: NDArray[np.int32]


class Frame(NamedTuple):
    """The ids that stand around each window, as the model was trained: special tokens and a prompt."""

    before: tuple[int, ...]
    after: tuple[int, ...]


class Tokenizer(Protocol):
    """Cuts text into tokens of a model's vocabulary."""

    @property
    def unknown(self) -> int:
        """The id of the token for all that the vocabulary lacks."""
        ...

    def tokenize(self, text: str) -> Tokens:
        """Tokenize a text. White space becomes nothing."""
        ...

    def is_word(self, tokens: Tokens) -> NDArray[np.bool_]:
        """Tell tokens with a letter, digit or symbol from mere punctuation. Shape ``(tokens,)``."""
        ...


def cut_windows(ids: NDArray[np.int64], length: int, frame: Frame) -> list[Window]:
    """Cut a text's tokens into windows of ``length`` and a shorter last one. The frame counts towards ``length``."""
    step = length - len(frame.before) - len(frame.after)
    return [
        np.concatenate([frame.before, ids[start : start + step], frame.after]).astype(np.int64)
        for start in range(0, len(ids), step)
    ]
