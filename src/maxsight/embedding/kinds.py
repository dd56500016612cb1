"""The vectors of an encoder that can be embedded, and whether it has them."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from maxsight.encoders.base import Encoder, HiddenStateEncoder
from maxsight.errors import InputError
from maxsight.types import Floats, Page


class EmbeddingType(StrEnum):
    """The vectors to take of a page."""

    DIM_128 = "128dim"
    """The encoder's vectors, of length 128."""
    DIM_2048 = "2048dim"
    """The last hidden state of its language model, of length 2048."""
    VECTORS = "vectors"
    """The encoder's vectors, of any length."""
    HIDDEN = "hidden"
    """The last hidden state, of any length."""


_LENGTHS = {EmbeddingType.DIM_128: 128, EmbeddingType.DIM_2048: 2048}
_ANY_LENGTH = {
    EmbeddingType.DIM_128: EmbeddingType.VECTORS,
    EmbeddingType.DIM_2048: EmbeddingType.HIDDEN,
}


class PageVectors:
    """The vectors of one type that an encoder makes of pages.

    Attributes:
        encoder: Makes the vectors.
        dim: Their length.
    """

    def __init__(self, encoder: Encoder, kind: EmbeddingType) -> None:
        """Choose the vectors.

        Raises:
            InputError: The encoder has no vectors of this type.
        """
        self.encoder = encoder
        self.dim = encoder.space.dim
        self._hidden: HiddenStateEncoder | None = None
        if kind in (EmbeddingType.DIM_2048, EmbeddingType.HIDDEN):
            self._hidden = _with_hidden_states(encoder, kind)
            self.dim = self._hidden.hidden_dim
        wanted = _LENGTHS.get(kind, self.dim)
        if self.dim != wanted:
            what = "vectors" if self._hidden is None else "hidden states"
            raise InputError(
                f"the {what} of {encoder.space.encoder} have {self.dim:,} dims, not {wanted:,}",
                hint=f"Take them as they are: --embedding-type {_ANY_LENGTH[kind]}",
            )

    def of(self, pages: Sequence[Page]) -> list[Floats]:
        """Encode pages in one forward pass.

        Returns:
            One array per page. Shape ``(vectors, dim)`` each; ``vectors`` differ from page to page.
        """
        if self._hidden is None:
            return [embedding.vectors for embedding in self.encoder.encode_pages(pages)]
        return [hidden for _, hidden in self._hidden.encode_pages_with_hidden(pages)]


def _with_hidden_states(encoder: Encoder, kind: EmbeddingType) -> HiddenStateEncoder:
    if encoder.hidden_states is None:
        raise InputError(
            f"{encoder.space.encoder} has no hidden states, which {kind} needs",
            hint=f"Take its vectors, of {encoder.space.dim:,} dims: --embedding-type {EmbeddingType.VECTORS}",
        )
    return encoder.hidden_states
