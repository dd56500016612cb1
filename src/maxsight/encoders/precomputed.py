"""Vectors that came with the data, used as they are. Queries are vectors too, or another encoder encodes them."""

from __future__ import annotations

from collections.abc import Sequence

from maxsight.encoders.base import Encoder
from maxsight.encoders.regions import paragraph_regions
from maxsight.errors import EncoderError, InputError
from maxsight.types import EmbeddingSpace, Page, PageEmbedding, QueryEmbedding

PRECOMPUTED = "precomputed"


class Precomputed(Encoder):
    """Uses the vectors of records as those of pages.

    Args:
        dim: Length of the vectors.
        name: ``precomputed``, or ``precomputed:NAME`` to tell vectors of several origins apart.

    Raises:
        InputError: ``dim`` is not positive.
    """

    encodes_paragraphs = True

    def __init__(self, dim: int, name: str = PRECOMPUTED) -> None:
        if dim < 1:
            raise InputError(f"dim must be at least 1, got {dim}")
        self._space = EmbeddingSpace(name, revision=name, dim=dim, query_format="vectors")

    @property
    def space(self) -> EmbeddingSpace:
        """The space of the given vectors. Their name and length are all that is known of it."""
        return self._space

    def encode_pages(self, pages: Sequence[Page]) -> list[PageEmbedding]:
        """Take the vectors of the pages' paragraphs. A page without vectors is an EncoderError."""
        return [self._embedding(page) for page in pages]

    def encode_query(self, text: str) -> QueryEmbedding:
        """Raise an InputError: nothing here makes a vector of a text."""
        raise InputError(
            "this library's vectors came with its data, and nothing here makes such a vector of a text",
            hint="Ask with vectors (--query-vectors FILE.npy, or an array in Python), or name the encoder that made "
            "them: --encoder NAME",
        )

    def _embedding(self, page: Page) -> PageEmbedding:
        paragraphs = page.paragraphs
        if paragraphs is None or paragraphs.vectors is None:
            raise EncoderError(
                "this library keeps vectors that come with the data, and this page came without",
                hint="Index records that have them: --vector-field FIELD",
            )
        return PageEmbedding(paragraphs.vectors, paragraph_regions(paragraphs.spans, page.words))


def is_precomputed(name: str) -> bool:
    """Whether an encoder's name says that its vectors came with the data."""
    return name == PRECOMPUTED or name.startswith(f"{PRECOMPUTED}:")
