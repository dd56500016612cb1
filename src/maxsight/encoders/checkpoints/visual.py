"""Checkpoints of the ColPali family as encoders: a picture of a page in, a vector for every patch out."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray
from torch import nn

from maxsight.encoders.base import EncoderOptions, picture_of
from maxsight.encoders.checkpoints.checkpoint import Checkpoint
from maxsight.encoders.checkpoints.devices import check_finite
from maxsight.encoders.checkpoints.families import family_of
from maxsight.encoders.checkpoints.replicas import CheckpointEncoder, encode_on_all
from maxsight.encoders.checkpoints.visual_model import Encoded, Picture, VisualModel
from maxsight.encoders.merging import group_starts, merge_neighbours
from maxsight.encoders.query_words import query_of_tokens
from maxsight.pictures import PictureFit
from maxsight.types import EmbeddingSpace, Floats, Page, PageEmbedding, QueryEmbedding, Regions

_BATCHES_PER_CALL = 2
"""One is prepared while the other is computed."""
MAX_PICTURE_BYTES = 256 * 2**20
"""For each device. Three times as much may be in memory: one batch waits, one is encoded, one is collected."""


class VisualEncoder(CheckpointEncoder[VisualModel]):
    """One vector per token of the vision-language model: the patches of the page and the few tokens of the prompt.

    A patch's region is its place on the page; a prompt token's region is the whole page.

    Args:
        checkpoint: The opened checkpoint. Its model is moved to the device.
        options: How it runs here.

    Raises:
        ModelNotAvailableError: A device is not there.
        EncoderOutOfMemoryError: A device does not hold the model.
    """

    def __init__(self, checkpoint: Checkpoint, options: EncoderOptions | None = None) -> None:
        self._family = family_of(checkpoint)
        self._hidden_dim: int = checkpoint.projection.in_features
        super().__init__(
            EmbeddingSpace(
                encoder=checkpoint.name,
                revision=checkpoint.revision,
                dim=checkpoint.projection.out_features,
                query_format=checkpoint.query_format,
            ),
            nn.ModuleList([checkpoint.backbone, checkpoint.projection]),
            partial(VisualModel, self._family),
            options or EncoderOptions(),
        )

    @property
    def picture(self) -> PictureFit:
        """What its vision model looks at."""
        return self._family.picture

    @property
    def batch_size(self) -> int:
        """Two batches for every device, or fewer if their pictures would take too much of the host's memory."""
        devices = len(self._replicas)
        held = MAX_PICTURE_BYTES // self.picture.max_bytes * devices
        at_once = sum(max(1, replica.limit.tokens // replica.max_tokens) for replica in self._replicas)
        return max(devices, min(_BATCHES_PER_CALL * at_once, held))

    @property
    def hidden_states(self) -> VisualEncoder:
        """Itself."""
        return self

    @property
    def hidden_dim(self) -> int:
        """Length of the language model's hidden states: 2048 for ColPali."""
        return self._hidden_dim

    def encode_pages(self, pages: Sequence[Page]) -> list[PageEmbedding]:
        """Encode pages, one vector per token."""
        return [self._embed(encoded) for encoded in self._encode(pages, with_hidden=False)]

    def encode_pages_with_hidden(self, pages: Sequence[Page]) -> list[tuple[PageEmbedding, Floats]]:
        """Encode pages, and return the hidden states that the vectors are made of, all in one forward pass."""
        return [
            (embedding, _merged_hidden(encoded, len(embedding.vectors)))
            for encoded in self._encode(pages, with_hidden=True)
            for embedding in [self._embed(encoded)]
        ]

    def encode_query(self, text: str) -> QueryEmbedding:
        """Encode a query: its first 512 tokens, some 350 words, and the tokens of the prompt, which are of no word."""
        query = self._family.queries.write(text)
        vectors = check_finite(self._replicas[0].encode_query(query).vectors)
        return query_of_tokens(query.text, vectors, query.spans)

    def _encode(self, pages: Sequence[Page], *, with_hidden: bool) -> list[Encoded]:
        pictures = [Picture(picture_of(page, self.space), with_hidden) for page in pages]
        lengths = [self._family.page_tokens(picture.pixels) for picture in pictures]
        return encode_on_all(self._replicas, pictures, lengths)

    def _embed(self, encoded: Encoded) -> PageEmbedding:
        return merge_neighbours(check_finite(encoded.vectors), Regions(boxes=encoded.boxes, spans=None))


def _merged_hidden(encoded: Encoded, vectors: int) -> NDArray[np.float32]:
    """Average hidden states over the same neighbours that the vectors were merged from."""
    hidden = encoded.hidden
    assert hidden is not None  # asked for
    if len(hidden) == vectors:
        return hidden
    starts = group_starts(len(hidden), vectors)
    sizes = np.diff(starts, append=len(hidden)).astype(np.float32)
    return (np.add.reduceat(hidden, starts, axis=0) / sizes[:, None]).astype(np.float32)
