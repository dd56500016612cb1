"""Late interaction over text: ColBERT and models like it, in every layout that sentence-transformers reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from maxsight.encoders.base import PAGES_PER_BATCH, Encoder, EncoderOptions
from maxsight.encoders.batching import run_together
from maxsight.encoders.checkpoints.devices import choose_devices, choose_dtype
from maxsight.encoders.checkpoints.replicas import CheckpointEncoder, encode_on_all
from maxsight.encoders.checkpoints.text_model import DocumentWindow, Scored, TextModel
from maxsight.encoders.checkpoints.text_opening import open_text_model
from maxsight.encoders.checkpoints.text_tokens import Tokens
from maxsight.encoders.merging import merge_neighbours
from maxsight.encoders.query_words import has_words, no_words, query_of_tokens
from maxsight.encoders.regions import token_regions
from maxsight.errors import EmptyQueryError
from maxsight.types import MAX_VECTORS_PER_PAGE, EmbeddingSpace, Page, PageEmbedding, QueryEmbedding

NO_TOKENS = Tokens({}, np.zeros((0, 2), np.int32))


def load_text_encoder(folder: Path, name: str, revision: str, options: EncoderOptions) -> Encoder:
    """Open a late-interaction checkpoint of texts: of sentence-transformers, PyLate or Stanford's ColBERT.

    Args:
        folder: The folder of its files.
        name: The encoder's name in a library.
        revision: Fingerprint of its weights and settings.
        options: How it runs here.

    Raises:
        ModelNotAvailableError: It can't be read, is of another kind, or lacks a part.
        EncoderOutOfMemoryError: A device does not hold it.
    """
    dtype = choose_dtype(options.precision, choose_devices(options.devices)[0])
    model = open_text_model(folder, dtype, trust_remote_code=options.trust_remote_code)
    space = EmbeddingSpace(name, revision, int(model.get_embedding_dimension()))
    return TextEncoder(space, model, TextModel, options)


class TextEncoder(CheckpointEncoder[TextModel]):
    """One vector per token of a page's text, each with its word's box.

    A page is read in windows as long as the documents the model learned from, without overlap. Each window gets the
    document prompt. Tokens that a model does not score get no vector: ColBERT skips punctuation. Vectors of the prompt
    and of special tokens stay, since queries are trained to match them too. They stand for the whole page.
    """

    @property
    def batch_size(self) -> int:
        """Enough for every device to find windows of similar length among them."""
        return PAGES_PER_BATCH * len(self._replicas)

    def encode_pages(self, pages: Sequence[Page]) -> list[PageEmbedding]:
        """Encode pages, one vector per token that the model scores; a page without words has none.

        A page of too many vectors loses those that stand for no text, before neighbours are merged.
        """
        texts = [
            self._replicas[0].read_document(page.text) if has_words(page.text) else NO_TOKENS
            for page in pages
        ]
        windows = [
            [(text, window) for window in text.windows(page.words, self._replicas[0].max_tokens)]
            for text, page in zip(texts, pages, strict=True)
        ]
        scored = run_together(windows, self._encode_windows)
        return [self._embed(*of_page) for of_page in zip(pages, texts, scored, strict=True)]

    def encode_query(self, text: str) -> QueryEmbedding:
        """Encode a query, with the tokens that the model adds to it: its prompt, and often a number of masks.

        Only as many tokens as the model reads, 32 for most, are searched for.

        Raises:
            EmptyQueryError: It has only white space and punctuation, or nothing that the model knows.
        """
        if not has_words(text):
            raise no_words()
        model = self._replicas[0]
        scored, tokens = model.encode_query(text)
        if not model.knows(tokens.inputs["input_ids"][tokens.from_text]).any():
            raise EmptyQueryError(
                f"{self.space.encoder} knows none of the characters in the query",
                hint="Ask in a language that the model has learned.",
            )
        query = query_of_tokens(text, scored.vectors, tokens.spans[scored.tokens])
        return replace(query, text=text[: tokens.spans[:, 1].max()].strip())

    def _encode_windows(self, windows: Sequence[DocumentWindow]) -> list[Scored]:
        return encode_on_all(self._replicas, windows, [len(window) for _, window in windows])

    def _embed(self, page: Page, text: Tokens, windows: Sequence[Scored]) -> PageEmbedding:
        if not windows:
            nothing = np.zeros((0, self.space.dim), np.float32)
            return PageEmbedding(nothing, token_regions(text.spans[:0], page.words))
        tokens = np.concatenate([window.tokens for window in windows])
        vectors = np.concatenate([window.vectors for window in windows])
        if len(vectors) > MAX_VECTORS_PER_PAGE:
            placed = text.from_text[tokens]
            tokens, vectors = tokens[placed], vectors[placed]
        return merge_neighbours(vectors, token_regions(text.spans[tokens], page.words))
