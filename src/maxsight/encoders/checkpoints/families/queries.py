"""Queries as token ids: the words of the user, the prompt around them, and which token belongs to which word."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maxsight.encoders.query_words import has_words, no_words

MOST_QUERY_TOKENS = 512
"""Of the user's own text, some 350 words. The families were trained on about 50."""

_NEVER = r"(?!)"


@dataclass(frozen=True, slots=True)
class Prompts:
    """What a family puts around pages and queries.

    Attributes:
        page: Read with every page; its one image token stands for the picture.
        before_query: Read before a query.
        after_query: Read after it: among others the tokens that queries are augmented with. They score too.
    """

    page: str
    before_query: str
    after_query: str


@dataclass(frozen=True, slots=True, eq=False)
class WrittenQuery:
    """A query ready to be encoded.

    Attributes:
        text: As far as it is searched for.
        ids: Its tokens, those of the prompt included.
        spans: Where each token stands in ``text``; empty for one of the prompt. Shape ``(tokens, 2)``.
    """

    text: str
    ids: list[int]
    spans: NDArray[np.int32]


class QueryWriter:
    """Writes queries for one checkpoint.

    Args:
        tokenizer: A fast tokenizer of transformers.
        prompts: What stands around a query.
        vocabulary: Tokens the model has an embedding of.
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

        What the user typed is only ever text: "<image>" is spelt out instead of standing for a picture.

        Raises:
            EmptyQueryError: It has no words.
        """
        text = text.strip()
        if not has_words(text):
            raise no_words()
        plain, origins = self._without_marks(text)
        ids, spans = self._cut(plain)
        own = (spans[:, 1] > 0) & (spans[:, 0] < len(plain))
        if own.sum() > MOST_QUERY_TOKENS:
            first_left_out = spans[own][MOST_QUERY_TOKENS, 0]
            return self.write(text[: origins[first_left_out]])
        spans_in_text = np.zeros((len(ids), 2), np.int32)
        for token in np.flatnonzero(own):
            start, end = spans[token].clip(0, len(plain))
            # A token may begin with the space before its word; one of nothing but spaces belongs to no word.
            if said := plain[start:end].lstrip():
                spans_in_text[token] = origins[end - len(said)], origins[end - 1] + 1
        return WrittenQuery(text, ids, spans_in_text)

    def _without_marks(self, text: str) -> tuple[str, NDArray[np.intp]]:
        """Break what would be read as a special token by a space.

        Returns:
            The text, and for each of its characters where it stood before.
        """
        breaks = [match.start() + 1 for match in self._marks.finditer(text)]
        parts = [text[start:end] for start, end in pairwise([0, *breaks, len(text)])]
        return " ".join(parts), np.insert(np.arange(len(text)), breaks, breaks)

    def _cut(self, text: str) -> tuple[list[int], NDArray[np.int64]]:
        """Token ids of the prompted text, and their spans counted from where the text itself starts."""
        before, after = self._prompts.before_query, self._prompts.after_query
        encoded = self._tokenizer(before + text + after, return_offsets_mapping=True, verbose=False)
        return list(encoded["input_ids"]), np.array(encoded["offset_mapping"]) - len(before)
