"""Checkpoints of the ColPali family as encoders: pictures of pages in, a vector for every patch out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from maxsight.encoders.base import Encoder, EncoderOptions
from maxsight.encoders.checkpoints.checkpoint import Checkpoint
from maxsight.encoders.checkpoints.devices import check_finite
from maxsight.encoders.checkpoints.families import family_of
from maxsight.encoders.checkpoints.replicas import Encoded, Picture, Replicas
from maxsight.encoders.merging import group_starts, merge_neighbours
from maxsight.errors import InputError
from maxsight.pictures import PictureFit
from maxsight.types import EmbeddingSpace, Floats, Page, PageEmbedding, QueryEmbedding, Regions

_BATCHES_PER_CALL = 2
"""So that one is prepared while the other is computed."""
MOST_PICTURE_BYTES = 256 * 2**20
"""For each device. While so much is encoded, as much again waits, and as much is collected."""


class VisualEncoder(Encoder):
    """One vector per token of the vision-language model: the patches of the page and the few tokens of the prompt.

    A patch's region is its place on the page; a prompt token's region is the whole page. On a page of more tokens
    than a page may have vectors, neighbours are merged.

    Args:
        checkpoint: The opened checkpoint. Its model is moved to the device.
        options: Where and how it runs.

    Raises:
        ModelNotAvailableError: A device is not there.
        EncoderOutOfMemoryError: A device does not hold the model.
    """

    def __init__(self, checkpoint: Checkpoint, options: EncoderOptions | None = None) -> None:
        self._space = EmbeddingSpace(
            encoder=checkpoint.name,
            revision=checkpoint.revision,
            dim=checkpoint.projection.out_features,
            query_format=checkpoint.query_format,
        )
        self._hidden_dim: int = checkpoint.projection.in_features
        self._family = family_of(checkpoint)
        self._replicas = Replicas(checkpoint, self._family, options or EncoderOptions())

    @property
    def space(self) -> EmbeddingSpace:
        """The checkpoint's name and fingerprint; its native and its engine format are different spaces."""
        return self._space

    @property
    def picture(self) -> PictureFit:
        """What its vision model looks at."""
        return self._family.picture

    @property
    def devices(self) -> tuple[str, ...]:
        """Where it runs."""
        return self._replicas.devices

    @property
    def precision(self) -> str:
        """What it computes in; each, where devices differ."""
        return self._replicas.precision

    @property
    def batch_size(self) -> int:
        """Two batches for every device, or as many pages as their pictures may take of the host's memory."""
        devices = len(self.devices)
        held = MOST_PICTURE_BYTES // self.picture.most_bytes * devices
        return max(devices, min(_BATCHES_PER_CALL * self._replicas.batch_pages, held))

    @property
    def hidden_states(self) -> VisualEncoder:
        """Itself."""
        return self

    @property
    def hidden_dim(self) -> int:
        """Length of the language model's hidden states: 2048 for ColPali."""
        return self._hidden_dim

    def encode_pages(self, pages: Sequence[Page]) -> list[PageEmbedding]:
        """Encode pages, one vector per token.

        Raises:
            InputError: A page has no picture.
            EncoderOutOfMemoryError: A single page is more than the memory holds.
        """
        return [self._embed(encoded) for encoded in self._encode(pages, with_hidden=False)]

    def encode_pages_with_hidden(self, pages: Sequence[Page]) -> list[tuple[PageEmbedding, Floats]]:
        """Encode pages, and give the hidden states that the vectors are made of, all in one forward pass.

        Raises:
            InputError: A page has no picture.
            EncoderOutOfMemoryError: A single page is more than the memory holds.
        """
        return [
            (embedding, _merged_hidden(encoded, len(embedding.vectors)))
            for encoded in self._encode(pages, with_hidden=True)
            for embedding in [self._embed(encoded)]
        ]

    def encode_query(self, text: str) -> QueryEmbedding:
        """Encode a query: its own tokens and those it is augmented with, which belong to no word.

        Only its first 512 tokens, some 350 words, are searched for.

        Raises:
            EmptyQueryError: It has no words.
        """
        query = self._family.write_query(text)
        vectors = check_finite(self._replicas.encode_query(query).vectors)
        return QueryEmbedding(query.text, vectors, query.words, query.word_index, query.tokens)

    def _encode(self, pages: Sequence[Page], *, with_hidden: bool) -> list[Encoded]:
        pictures = [self._picture_of(page) for page in pages]
        return self._replicas.encode_pages(pictures, with_hidden=with_hidden) if pictures else []

    def _picture_of(self, page: Page) -> Picture:
        if page.picture is None:
            raise InputError(
                f"page {page.page_number} has no picture, and {self._space.encoder} goes by what a page looks like",
                hint="Read pages with this encoder's picture, or use an encoder of text, such as minilm.",
            )
        return page.picture

    def _embed(self, encoded: Encoded) -> PageEmbedding:
        return merge_neighbours(check_finite(encoded.vectors), Regions(boxes=encoded.boxes, spans=None))


def _merged_hidden(encoded: Encoded, vectors: int) -> NDArray[np.float32]:
    """Hidden states, averaged over the same neighbours that the vectors were merged from."""
    hidden = encoded.hidden
    assert hidden is not None  # asked for
    if len(hidden) == vectors:
        return hidden
    starts = group_starts(len(hidden), vectors)
    sizes = np.diff(starts, append=len(hidden)).astype(np.float32)
    return (np.add.reduceat(hidden, starts, axis=0) / sizes[:, None]).astype(np.float32)
