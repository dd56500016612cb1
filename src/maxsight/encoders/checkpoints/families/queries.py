"""Queries as token ids: the user's words, the prompt around them, and the place of each token."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maxsight.encoders.query_words import has_words, no_words

MAX_QUERY_TOKENS = 512
"""Tokens of the user's text, some 350 words. The models were trained on about 50."""

_NEVER = r"(?!)"


@dataclass(frozen=True, slots=True)
class Prompts:
    """The prompts of a family around pages and queries.

    Attributes:
        page: The prompt of a page. Its one image token stands for the picture.
        before_query: The text before a query.
        after_query: The text after a query, with its augmentation tokens. They score too.
    """

    page: str
    before_query: str
    after_query: str


@dataclass(frozen=True, slots=True, eq=False)
class WrittenQuery:
    """A query ready to be encoded.

    Attributes:
        text: The part of it that is searched for.
        ids: Its token ids, with those of the prompt.
        spans: Where each token stands in ``text``; empty for one of the prompt. Shape ``(tokens, 2)``.
    """

    text: str
    ids: list[int]
    spans: NDArray[np.int32]


class QueryWriter:
    """Writes queries for one checkpoint.

    Args:
        tokenizer: A fast tokenizer of transformers.
        prompts: The text around a query.
        vocabulary: How many tokens have an embedding.
    """

    def __init__(self, tokenizer: Any, prompts: Prompts, vocabulary: int) -> None:
        self._tokenizer = tokenizer
        self._prompts = prompts
        marks = [
            re.escape(token.content)
            for number, token in tokenizer.added_tokens_decoder.items()
            if token.special or number >= vocabulary
        ]
        self._marks = re.compile("|".join(sorted(marks, key=len, reverse=True)) or _NEVER)

    def write(self, text: str) -> WrittenQuery:
        """Write one query.

        The user's words are always text: "<image>" is spelt out and does not stand for a picture.

        Raises:
            EmptyQueryError: It has no words.
        """
        text = text.strip()
        if not has_words(text):
            raise no_words()
        plain, origins = self._without_marks(text)
        ids, spans = self._cut(plain)
        own = (spans[:, 1] > 0) & (spans[:, 0] < len(plain))
        if own.sum() > MAX_QUERY_TOKENS:
            first_left_out = spans[own][MAX_QUERY_TOKENS, 0]
            return self.write(text[: origins[first_left_out]])
        spans_in_text = np.zeros((len(ids), 2), np.int32)
        for token in np.flatnonzero(own):
            start, end = spans[token].clip(0, len(plain))
            # A token may begin with the space before its word. One of spaces alone belongs to no word.
            if said := plain[start:end].lstrip():
                spans_in_text[token] = origins[end - len(said)], origins[end - 1] + 1
        return WrittenQuery(text, ids, spans_in_text)

    def _without_marks(self, text: str) -> tuple[str, NDArray[np.intp]]:
        """Break special tokens in a text by a space.

        Returns:
            The text, and the earlier place of each of its characters.
        """
        breaks = [match.start() + 1 for match in self._marks.finditer(text)]
        parts = [text[start:end] for start, end in pairwise([0, *breaks, len(text)])]
        return " ".join(parts), np.insert(np.arange(len(text)), breaks, breaks)

    def _cut(self, text: str) -> tuple[list[int], NDArray[np.int64]]:
        """Tokenize the text with its prompt; return ids, and spans that count from the start of the text itself."""
        before, after = self._prompts.before_query, self._prompts.after_query
        encoded = self._tokenizer(before + text + after, return_offsets_mapping=True, verbose=False)
        return list(encoded["input_ids"]), np.array(encoded["offset_mapping"]) - len(before)
