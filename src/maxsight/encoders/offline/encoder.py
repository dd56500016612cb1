"""Pages and queries to one vector per token, each with its place."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from maxsight.encoders.base import Encoder
from maxsight.encoders.batching import run_together
from maxsight.encoders.merging import merge_neighbours
from maxsight.encoders.offline.network import HiddenStates
from maxsight.encoders.offline.recipe import Recipe
from maxsight.encoders.offline.tokens import Frame, Tokenizer, Tokens, cut_windows
from maxsight.encoders.query_words import no_words, query_of_tokens
from maxsight.encoders.regions import token_regions
from maxsight.errors import EmptyQueryError
from maxsight.types import EmbeddingSpace, Page, PageEmbedding, QueryEmbedding

_END_MARKS = re.compile(r"[\s.?!\u2026\u3002\uff1f\uff01]+$")


@dataclass(frozen=True, slots=True)
class OfflineModel:
    """The parts of an encoder that runs offline.

    Attributes:
        tokenizer: Cuts text into tokens.
        network: Makes a hidden state of each.
        recipe: Makes vectors of these.
        page_frame: Stands around each window of a page.
        query_frame: Stands around each window of a query.
        query_end: Ends each query, whatever mark it has. So an end mark changes nothing.
    """

    tokenizer: Tokenizer
    network: HiddenStates
    recipe: Recipe
    page_frame: Frame
    query_frame: Frame
    query_end: str = ""


class TokenEncoder(Encoder):
    """One vector per token, each with its word's box.

    A page is read in windows. A vector means its token in context, and a little of the whole window. Punctuation is
    read but gets no vector. Rare words get no higher weight and common words are not dropped: both lowered the quality
    of the ranking.

    Args:
        name: The encoder's name.
        model: Its parts.
        unknown_hint: What to do if the model knows nothing of a query.
    """

    def __init__(self, name: str, model: OfflineModel, unknown_hint: str) -> None:
        self._name, self._model, self._unknown_hint = name, model, unknown_hint

    @property
    def space(self) -> EmbeddingSpace:
        """Its name; the revision is the fingerprint of the model files and the recipe."""
        recipe = self._model.recipe
        return EmbeddingSpace(encoder=self._name, revision=recipe.revision, dim=recipe.dim)

    def encode_pages(self, pages: Sequence[Page]) -> list[PageEmbedding]:
        """Encode pages, one vector per token that is not punctuation; a page without text has none."""
        tokens = [self._model.tokenizer.tokenize(page.text) for page in pages]
        return [
            self._embed(page, page_tokens, vectors)
            for page, page_tokens, vectors in zip(
                pages, tokens, self._encode(tokens, self._model.page_frame), strict=True
            )
        ]

    def encode_query(self, text: str) -> QueryEmbedding:
        """Encode a query as a page's text is encoded. Only its first 512 tokens, some 350 words, are searched for.

        Raises:
            EmptyQueryError: It has only white space and punctuation, or nothing that the model knows.
        """
        tokenizer, limit = self._model.tokenizer, self._model.recipe.max_query_tokens
        ids, spans = tokenizer.tokenize(_END_MARKS.sub("", text) + self._model.query_end)
        tokens = Tokens(ids[:limit], spans[:limit])
        searchable = tokenizer.is_word(tokens)
        if not searchable.any():
            raise no_words()
        if (tokens.ids[searchable] == tokenizer.unknown).all():
            raise EmptyQueryError(
                f"{self._name} knows none of the characters in the query", hint=self._unknown_hint
            )
        (vectors,) = self._encode([tokens], self._model.query_frame)
        query = query_of_tokens(text, vectors[searchable], tokens.spans[searchable])
        return replace(query, text=text[: tokens.spans[-1, 1]].strip())

    def _embed(self, page: Page, tokens: Tokens, vectors: NDArray[np.float32]) -> PageEmbedding:
        kept = self._model.tokenizer.is_word(tokens)
        return merge_neighbours(vectors[kept], token_regions(tokens.spans[kept], page.words))

    def _encode(self, texts: Sequence[Tokens], frame: Frame) -> list[NDArray[np.float32]]:
        """Vectors of each text. The windows of all of them share batches."""
        recipe = self._model.recipe
        windows = [cut_windows(tokens.ids, recipe.window, frame) for tokens in texts]
        hidden = run_together(windows, self._model.network.hidden_states)
        return [recipe.vectors(states, frame) for states in hidden]
