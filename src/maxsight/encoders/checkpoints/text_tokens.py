"""A text as a ColBERT reads it: its tokens, with the prompt's and the special ones around them, in windows.

A page is tokenised as a whole, and its tokens are dealt out to windows as long as the model reads documents. So a text
that fits one window is read exactly as sentence-transformers reads it, and no token is ever cut off.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maxsight.types import Words

Window = NDArray[np.intp]
"""Which of a text's tokens are read together, in order."""


@dataclass(frozen=True, slots=True, eq=False)
class Tokens:
    """The tokens of one text.

    Attributes:
        inputs: What the tokenizer made of them: ``input_ids``, ``attention_mask`` and what else the model takes.
            Shape ``(tokens,)`` each, int64.
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
        """Deal the tokens out to windows of at most ``length``, each with the prompt and special tokens around it.

        The windows of a text are about equally long, for in a short one a word has little context. They are cut
        between words, unless a word alone fills half of one.
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
    """Turn a tokenizer's offsets in ``prompt + text`` into spans of the text, white space at their ends left off.

    A token of nothing but white space stands for the beginning of the word it leads to.

    Args:
        offsets: Shape ``(tokens, 2)``.
        prompt: What was put before the text.
        text: The text.

    Returns:
        Empty for tokens of the prompt and for special ones. Shape ``(tokens, 2)``.
    """
    spans = np.maximum(np.asarray(offsets, np.int32) - len(prompt), 0)
    spans[spans[:, 0] == spans[:, 1]] = 0
    for index, (start, end) in enumerate(spans.tolist()):
        token = text[start:end]
        if token.isspace():
            if end < len(text) and not text[end].isspace():
                spans[index] = end, end + 1
        elif token != token.strip():
            spans[index] += [len(token) - len(token.lstrip()), len(token.rstrip()) - len(token)]
    return spans
