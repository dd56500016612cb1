"""The default encoder: contextual word pieces of all-MiniLM-L6-v2, offline, on a CPU."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from maxsight.encoders.batching import run_together
from maxsight.encoders.merging import merge_neighbours
from maxsight.encoders.minilm.model import MiniLMBase
from maxsight.encoders.minilm.tokens import UNKNOWN, Tokens, cut_windows
from maxsight.encoders.query_words import no_words, query_of_tokens
from maxsight.encoders.regions import token_regions
from maxsight.errors import EmptyQueryError
from maxsight.types import EmbeddingSpace, Page, PageEmbedding, QueryEmbedding

_END_MARKS = re.compile(r"[\s.?!\u2026\u3002\uff1f\uff01]+$")


class MiniLM(MiniLMBase):
    """One vector per word piece, each with its word's box.

    A page is read in windows of at most 128 tokens. A vector means its token in context, and a little of the whole
    window. Punctuation is read but gets no vector. Rare words get no higher weight and common words are not dropped:
    both lowered the quality of the ranking.
    """

    @property
    def space(self) -> EmbeddingSpace:
        """The space ``minilm``; its revision is the fingerprint of the model files and the recipe."""
        return EmbeddingSpace(encoder="minilm", revision=self._recipe.revision, dim=self._recipe.dim)

    def encode_pages(self, pages: Sequence[Page]) -> list[PageEmbedding]:
        """Encode pages, one vector per word piece that is not punctuation; a page without text has none."""
        tokens = [self._tokenizer.tokenize(page.text) for page in pages]
        return [
            self._embed(page, page_tokens, vectors)
            for page, page_tokens, vectors in zip(pages, tokens, self._encode(tokens), strict=True)
        ]

    def encode_query(self, text: str) -> QueryEmbedding:
        """Encode a query as a page's text is encoded. Only its first 512 tokens, some 350 words, are searched for.

        It is read with a question mark at its end, whatever mark it has: questions then find more, and an end mark
        changes nothing.

        Raises:
            EmptyQueryError: It has only white space and punctuation, or nothing that the model knows.
        """
        ids, spans = self._tokenizer.tokenize(f"{_END_MARKS.sub('', text)}?")
        tokens = Tokens(ids[: self._recipe.max_query_tokens], spans[: self._recipe.max_query_tokens])
        searchable = self._tokenizer.is_word(tokens)
        if not searchable.any():
            raise no_words()
        if (tokens.ids[searchable] == UNKNOWN).all():
            raise EmptyQueryError(
                "minilm knows none of the characters in the query",
                hint="It has learned English only: try English words.",
            )
        (vectors,) = self._encode([tokens])
        query = query_of_tokens(text, vectors[searchable], tokens.spans[searchable])
        return replace(query, text=text[: tokens.spans[-1, 1]].strip())

    def _embed(self, page: Page, tokens: Tokens, vectors: NDArray[np.float32]) -> PageEmbedding:
        kept = self._tokenizer.is_word(tokens)
        return merge_neighbours(vectors[kept], token_regions(tokens.spans[kept], page.words))

    def _encode(self, texts: Sequence[Tokens]) -> list[NDArray[np.float32]]:
        """Vectors of each text. The windows of all of them share batches."""
        windows = [cut_windows(tokens.ids, self._recipe.window) for tokens in texts]
        return list(map(self._recipe.vectors, run_together(windows, self._network.hidden_states)))
