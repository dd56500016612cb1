"""Late interaction over text: ColBERT and its kin, in whatever layout sentence-transformers reads."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from maxsight.encoders.base import PAGES_PER_BATCH, Encoder, EncoderOptions
from maxsight.encoders.checkpoints.batching import Work, device_errors_translated
from maxsight.encoders.checkpoints.devices import choose_devices, choose_dtype, one_for_each, precision_of
from maxsight.encoders.checkpoints.sharing import share
from maxsight.encoders.checkpoints.text_model import Scored, TextModel
from maxsight.encoders.checkpoints.text_opening import open_text_model
from maxsight.encoders.checkpoints.text_tokens import Tokens
from maxsight.encoders.merging import merge_neighbours
from maxsight.encoders.query_words import has_words, no_words, texts_of_tokens, words_of_tokens
from maxsight.encoders.regions import regions_of
from maxsight.errors import EmptyQueryError
from maxsight.types import MAX_VECTORS_PER_PAGE, EmbeddingSpace, Page, PageEmbedding, QueryEmbedding

NOTHING_READ = Tokens({}, np.zeros((0, 2), np.int32))


def load_text_encoder(folder: Path, name: str, revision: str, options: EncoderOptions) -> Encoder:
    """Open a late-interaction checkpoint of texts: of sentence-transformers, PyLate or Stanford's ColBERT.

    Args:
        folder: Where its files lie.
        name: What the user calls it.
        revision: Fingerprint of its weights and settings.
        options: How it runs here.

    Raises:
        ModelNotAvailableError: It can't be read, is of another kind, or a part of it would be random.
        EncoderOutOfMemoryError: A device does not hold it.
    """
    devices = choose_devices(options.devices)
    dtype = choose_dtype(options.precision, devices[0])
    model = open_text_model(folder, name, dtype=dtype, trust_remote_code=options.trust_remote_code)
    with device_errors_translated():
        replicas = [
            TextModel(its_own, device, choose_dtype(options.precision, device), options.batch_size)
            for its_own, device in one_for_each(model, devices)
        ]
    return TextEncoder(replicas, name, revision)


class TextEncoder(Encoder):
    """One vector per token of a page's text, each with its word's box.

    A page is read in windows as long as the documents the model learned from, without overlap; each gets the document
    prompt. What a model does not score (ColBERT skips punctuation) gets no vector. The vectors of the prompt and of
    special tokens are kept, for queries are trained to match them too: they stand for the whole page.

    Args:
        replicas: The same model on each device.
        name: What the user calls it.
        revision: Fingerprint of its weights and settings; how it writes queries is one of these.
    """

    def __init__(self, replicas: Sequence[TextModel], name: str, revision: str) -> None:
        self._replicas = replicas
        self._model = replicas[0]
        self._space = EmbeddingSpace(name, revision, self._model.dim)

    @property
    def space(self) -> EmbeddingSpace:
        """The checkpoint's."""
        return self._space

    @property
    def batch_size(self) -> int:
        """Enough for every device to find windows of like lengths among them."""
        return PAGES_PER_BATCH * len(self._replicas)

    @property
    def devices(self) -> tuple[str, ...]:
        """Where it runs."""
        return tuple(str(replica.device) for replica in self._replicas)

    @property
    def precision(self) -> str:
        """What it computes in; each, where devices differ."""
        return precision_of(replica.dtype for replica in self._replicas)

    def encode_pages(self, pages: Sequence[Page]) -> list[PageEmbedding]:
        """Encode pages, one vector per token that the model scores; a page without words has none.

        A page of more vectors than a page may have loses those that stand for no text; then neighbours are merged.

        Raises:
            EncoderOutOfMemoryError: A single window is more than the device's memory holds.
            EncoderError: The device failed otherwise.
        """
        texts = [
            self._model.read_document(page.text) if has_words(page.text) else NOTHING_READ for page in pages
        ]
        windows = [
            text.windows(page.words, self._model.window) for text, page in zip(texts, pages, strict=True)
        ]
        dealt = [(text, window) for text, own in zip(texts, windows, strict=True) for window in own]
        work = Work([len(window) for _, window in dealt], len(self._replicas))
        scored = iter(share(work, [replica.encode_windows(dealt, work) for replica in self._replicas]))
        return [
            self._embed(page, text, [next(scored) for _ in own])
            for page, text, own in zip(pages, texts, windows, strict=True)
        ]

    def encode_query(self, text: str) -> QueryEmbedding:
        """Encode a query, with the tokens that the model adds to it: its prompt, and often a number of masks.

        Only as many tokens as the model reads, 32 for most, are searched for.

        Raises:
            EmptyQueryError: It holds only white space and punctuation, or nothing that the model knows.
            EncoderError: The device failed.
        """
        if not has_words(text):
            raise no_words()
        scored, tokens = self._model.encode_query(text)
        if not self._model.knows(tokens.inputs["input_ids"][tokens.from_text]).any():
            raise EmptyQueryError(
                f"{self.space.encoder} knows none of the characters in the query",
                hint="Ask in a language that the model has learned.",
            )
        words, word_index = words_of_tokens(text, tokens.spans[scored.tokens])
        return QueryEmbedding(
            text=text[: tokens.spans[:, 1].max()].strip(),
            vectors=scored.vectors,
            words=words,
            word_index=word_index,
            tokens=texts_of_tokens(text, tokens.spans[scored.tokens]),
        )

    def _embed(self, page: Page, text: Tokens, windows: Sequence[Scored]) -> PageEmbedding:
        if not windows:
            nothing = np.zeros((0, self.space.dim), np.float32)
            return PageEmbedding(nothing, regions_of(text.spans[:0], page.words))
        tokens = np.concatenate([window.tokens for window in windows])
        vectors = np.concatenate([window.vectors for window in windows])
        if len(vectors) > MAX_VECTORS_PER_PAGE:
            placed = text.from_text[tokens]
            tokens, vectors = tokens[placed], vectors[placed]
        return merge_neighbours(vectors, regions_of(text.spans[tokens], page.words))
