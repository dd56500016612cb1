"""A text as a ColBERT reads it: tokens in windows, with prompt and special tokens around them.

A page is tokenized as a whole, and its tokens are distributed to windows of the length of the model's documents. So a
text of one window is read exactly as sentence-transformers reads it, and no token is lost.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maxsight.encoders.regions import trim_spans
from maxsight.types import Words

Window = NDArray[np.intp]
"""Which of a text's tokens are read together, in order."""


@dataclass(frozen=True, slots=True, eq=False)
class Tokens:
    """The tokens of one text.

    Attributes:
        inputs: The tokenizer's output: ``input_ids``, ``attention_mask`` and the model's other inputs. Shape
            ``(tokens,)`` each, int64.
        spans: Where each stands in the text; empty for those of the prompt and special ones. Shape ``(tokens, 2)``,
            int32.
    """

    inputs: dict[str, NDArray[np.int64]]
    spans: NDArray[np.int32]

    @property
    def from_text(self) -> NDArray[np.bool_]:
        """Which tokens stand for text. Shape ``(tokens,)``."""
        return np.asarray(self.spans[:, 1] > self.spans[:, 0])

    def windows(self, words: Words, length: int) -> list[Window]:
        """Cut the tokens into windows of at most ``length``, each with the prompt and special tokens around it.

        The windows of a text are about equally long: in a short one a word has little context. They are cut between
        words, unless a word alone fills half of one.
        """
        own = np.flatnonzero(self.from_text)
        if not len(own):
            return []
        first, end = int(own[0]), int(own[-1]) + 1
        before, after = np.arange(first), np.arange(end, len(self.spans))
        room = max(length - len(before) - len(after), 1)
        starts = self.spans[:, 0]
        begins_word = np.isin(starts, words.spans[:, 0]) & (np.diff(starts, prepend=-1) != 0)
        windows = []
        while first < end:
            equal = -(-(end - first) // -(-(end - first) // room))
            cut = end if equal == end - first else _cut_before(first + equal, begins_word, first + equal // 2)
            windows.append(np.concatenate([before, np.arange(first, cut), after]))
            first = cut
        return windows


def _cut_before(token: int, begins_word: NDArray[np.bool_], earliest: int) -> int:
    """Find the last token after ``earliest`` and up to ``token`` that begins a word; ``token`` itself if none does."""
    found = np.flatnonzero(begins_word[earliest + 1 : token + 1])
    return earliest + 1 + int(found[-1]) if len(found) else token


def text_spans(offsets: Any, prompt: str, text: str) -> NDArray[np.int32]:
    """Turn a tokenizer's offsets in ``prompt + text`` into spans of the text, without white space at their ends.

    A token of white space alone stands for the first character of the next word.

    Args:
        offsets: Shape ``(tokens, 2)``.
        prompt: The prompt before the text.
        text: The text.

    Returns:
        Spans, empty for tokens of the prompt and for special ones. Shape ``(tokens, 2)``.
    """
    spans = np.maximum(np.asarray(offsets, np.int32) - len(prompt), 0)
    spans[spans[:, 0] == spans[:, 1]] = 0
    return trim_spans(spans, text)
