"""The words of a query: whether it has any, which vectors belong to which, and how people see them."""

from __future__ import annotations

import unicodedata

import numpy as np
from numpy.typing import NDArray

from maxsight.encoders.regions import word_of
from maxsight.errors import EmptyQueryError
from maxsight.segmentation import AROUND_WORDS, word_spans
from maxsight.types import QueryEmbedding


def bare_word(word: str) -> str:
    """Strip quotes, brackets and the punctuation of sentences off both ends; "5%" and "C++" stay whole."""
    return word.strip(AROUND_WORDS)


def is_punctuation(text: str) -> bool:
    """Whether a text without white space has nothing but punctuation: no letter, digit or symbol."""
    return all(unicodedata.category(character).startswith("P") for character in text)


def has_words(text: str) -> bool:
    """Whether a text has more than white space and punctuation."""
    return not is_punctuation("".join(text.split()))


def no_words() -> EmptyQueryError:
    """Make the error for a query of white space and punctuation."""
    return EmptyQueryError(
        "the query has no words, only white space or punctuation", hint="Type at least one word or number."
    )


def query_of_tokens(text: str, vectors: NDArray[np.float32], spans: NDArray[np.int32]) -> QueryEmbedding:
    """Say which words of a query its vectors belong to.

    Args:
        text: The query, with at least one word. Mere punctuation is no word.
        vectors: One per token. Shape ``(query_tokens, dim)``.
        spans: Where each token stands in the text; empty for a token that the model adds. Shape ``(query_tokens, 2)``.

    Returns:
        The query. Its words are those that have a token, without the punctuation around them.
    """
    words = word_spans(text)
    word = _words_of(spans, np.array(words, np.int32))
    is_word = np.array([not is_punctuation(text[slice(*span)]) for span in words])
    belongs = (spans[:, 1] > spans[:, 0]) & is_word[word]
    word_index = np.full(len(spans), -1, np.int32)
    found, word_index[belongs] = np.unique(word[belongs], return_inverse=True)
    return QueryEmbedding(
        text=text,
        vectors=vectors,
        words=tuple(bare_word(text[slice(*words[index])]) for index in found),
        word_index=word_index,
        tokens=tuple(text[start:end].strip() for start, end in spans),
    )


def _words_of(spans: NDArray[np.int32], words: NDArray[np.int32]) -> NDArray[np.intp]:
    """Find the word of each token: the one that it has most of. In scripts without spaces a token may touch several."""
    word = word_of(spans, words)
    for token in np.flatnonzero(spans[:, 1] > words[word, 1]):
        start, end = spans[token]
        shared = np.minimum(words[:, 1], end) - np.maximum(words[:, 0], start)
        word[token] = len(words) - 1 - int(shared[::-1].argmax())
    return word
