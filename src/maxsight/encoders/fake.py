"""A deterministic encoder without weights: for tests, examples and docs.

Each word has one vector, drawn from a hash of its letters and digits. So a query finds the pages that have its words,
and no others. The encoder knows no meaning: "car" and "automobile" are unrelated.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from maxsight.encoders.base import Encoder
from maxsight.encoders.merging import merge_neighbours
from maxsight.encoders.query_words import bare_word, no_words
from maxsight.errors import InputError
from maxsight.types import EmbeddingSpace, Page, PageEmbedding, QueryEmbedding, Regions


class FakeEncoder(Encoder):
    """One vector per word. The same word always has the same vector.

    Args:
        dim: Length of the vectors, at least 2.
    """

    def __init__(self, dim: int = 16) -> None:
        if dim < 2:
            raise InputError(f"dim must be at least 2, got {dim}")
        self._dim = dim

    @property
    def space(self) -> EmbeddingSpace:
        """The space ``fake``. Its revision changes only with the hash of words."""
        return EmbeddingSpace(encoder="fake", revision="1", dim=self._dim)

    def encode_pages(self, pages: Sequence[Page]) -> list[PageEmbedding]:
        """Encode pages, one vector per word that has a letter or a digit."""
        return [self._encode_page(page) for page in pages]

    def encode_query(self, text: str) -> QueryEmbedding:
        """Encode a query, one vector per word that has a letter or a digit."""
        words = tuple(word for word in text.split() if _key(word))
        if not words:
            raise no_words()
        return QueryEmbedding(
            text=text,
            vectors=self._vectors(words),
            words=tuple(bare_word(word) for word in words),
            word_index=np.arange(len(words), dtype=np.int32),
        )

    def _encode_page(self, page: Page) -> PageEmbedding:
        of, boxes = page.whole_words, page.words.boxes
        firsts, lasts = np.flatnonzero(np.diff(of, prepend=-1)), np.flatnonzero(np.diff(of, append=-1))
        spans = np.stack([page.words.spans[firsts, 0], page.words.spans[lasts, 1]], axis=1)
        words = [page.text[start:end] for start, end in spans]
        kept = np.flatnonzero([bool(_key(word)) for word in words])
        regions = Regions(None if boxes is None else boxes[firsts], spans).of(kept)
        return merge_neighbours(self._vectors(words[index] for index in kept), regions)

    def _vectors(self, words: Iterable[str]) -> NDArray[np.float32]:
        rows = [_word_vector(_key(word), self._dim) for word in words]
        return np.stack(rows) if rows else np.zeros((0, self._dim), np.float32)


def _key(word: str) -> str:
    """A word without its case and punctuation."""
    return "".join(character for character in word.casefold() if character.isalnum())


@lru_cache(maxsize=65_536)
def _word_vector(key: str, dim: int) -> NDArray[np.float32]:
    seed = int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest(), "little")
    vector = np.random.default_rng(seed).standard_normal(dim)
    return (vector / np.linalg.norm(vector)).astype(np.float32)
