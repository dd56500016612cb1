"""The seam to whatever turns pages and queries into vectors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from maxsight.types import EmbeddingSpace, Page, PageEmbedding, QueryEmbedding


class Encoder(Protocol):
    """Turns pages and queries into multi-vectors of one space."""

    @property
    def space(self) -> EmbeddingSpace:
        """What the vectors may be compared with. Written to the library's manifest."""
        ...

    def encode_pages(self, pages: Sequence[Page]) -> list[PageEmbedding]:
        """Encode pages, one embedding each, in order.

        A page's vectors depend on that page alone: batch mates never change them.
        """
        ...

    def encode_query(self, text: str) -> QueryEmbedding:
        """Encode one query.

        Raises:
            EmptyQueryError: Nothing in ``text`` can be searched for.
        """
        ...

    def notice(self, text: str) -> str | None:
        """What a user should know before trusting this encoder with ``text``, or None.

        For example that the text is in a language the model has not learned.
        """
        ...
