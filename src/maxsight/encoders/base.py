"""The protocol of encoders: what turns pages and queries into vectors."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from maxsight.errors import InputError
from maxsight.pictures import PictureFit
from maxsight.settings import default_devices
from maxsight.types import EmbeddingSpace, Floats, Page, PageEmbedding, QueryEmbedding

PAGES_PER_BATCH = 16


class Precision(StrEnum):
    """The floating-point type a model computes in. Its vectors are float32 all the same."""

    AUTO = "auto"
    """bfloat16 on a GPU that has it, float16 on other GPUs, float32 on a CPU."""
    BFLOAT16 = "bfloat16"
    FLOAT16 = "float16"
    FLOAT32 = "float32"


@dataclass(frozen=True, slots=True)
class EncoderOptions:
    """How an encoder runs on this machine. No option changes what its vectors mean.

    Encoders that ship with maxsight run on the CPU: they refuse other devices and ignore the other options.

    Attributes:
        devices: ``auto``, ``cuda``, ``cuda:1``, ``mps``, ``cpu``. Several devices encode different pages at the same
            time. The default is ``MAXSIGHT_DEVICE``, else ``auto``.
        precision: The type the model computes in.
        batch_size: Pages encoded together, or windows of text. None chooses it by the free memory. It is halved when
            memory runs out.
        trust_remote_code: Run the Python code of a text checkpoint. Checkpoints of pictures never run any.
    """

    devices: tuple[str, ...] = field(default_factory=default_devices)
    precision: Precision = Precision.AUTO
    batch_size: int | None = None
    trust_remote_code: bool = False

    def __post_init__(self) -> None:
        if not self.devices:
            raise InputError("an encoder needs a device", hint="Leave devices out to have one chosen.")
        if self.batch_size is not None and self.batch_size < 1:
            raise InputError(f"a batch holds at least one page, got batch_size {self.batch_size}")


class Encoder(Protocol):
    """Turns pages and queries into multi-vectors of one space.

    Subclass it and write ``space``, ``encode_pages`` and ``encode_query``; the rest has defaults. What an encoder can
    do is asked of its properties, never of its class, so that a wrapper only has to pass them on.
    """

    @property
    @abstractmethod
    def space(self) -> EmbeddingSpace:
        """The space its vectors belong to. Written to the library's manifest."""

    @property
    def picture(self) -> PictureFit | None:
        """The picture it needs of every page; None if it reads only the page's text."""
        return None

    @property
    def batch_size(self) -> int:
        """The number of pages it encodes best in one call. More or fewer work as well."""
        return PAGES_PER_BATCH

    @property
    def encodes_paragraphs(self) -> bool:
        """Whether it makes one vector of a paragraph. Else it makes one of a token or a patch."""
        return False

    @property
    def encodes_remotely(self) -> bool:
        """Whether a service on the network encodes. Then each call takes time and may cost money."""
        return False

    @property
    def is_multilingual(self) -> bool:
        """Whether it knows many languages. Then each page is stored with the one it is in."""
        return False

    @property
    def hidden_states(self) -> HiddenStateEncoder | None:
        """The part that also returns hidden states; None if the encoder has no such part."""
        return None

    @property
    def devices(self) -> tuple[str, ...]:
        """The devices it runs on: ``cuda:0``, ``mps``, ``cpu``."""
        return ("cpu",)

    @property
    def precision(self) -> str:
        """The floating-point type it computes in: ``float32``, ``bfloat16``, ``float16``."""
        return "float32"

    @abstractmethod
    def encode_pages(self, pages: Sequence[Page]) -> list[PageEmbedding]:
        """Encode pages, one embedding each, in order.

        A page's vectors depend on that page alone: batch mates never change them. On a page of more vectors than a
        page may have, neighbours are merged.

        Raises:
            InputError: A page lacks the picture that the encoder needs.
            EncoderOutOfMemoryError: A single page is more than the device's memory holds.
            EncoderError: The model failed, or a page can't be encoded.
        """

    @abstractmethod
    def encode_query(self, text: str) -> QueryEmbedding:
        """Encode one query. Its text is cut where the encoder reads no further.

        Raises:
            EmptyQueryError: Nothing in ``text`` can be searched for.
            EncoderError: The model failed, or the encoder takes no queries.
        """

    def encode_phrases(self, phrases: Sequence[str]) -> QueryEmbedding:
        """Encode a query that is a list of phrases. Each phrase counts as one word of it.

        Raises:
            EmptyQueryError: Nothing in one of them can be searched for.
        """
        parts = [self.encode_query(phrase) for phrase in phrases]
        return QueryEmbedding(
            text=" ".join(part.text for part in parts),
            vectors=np.concatenate([part.vectors for part in parts]),
            words=tuple(phrases),
            word_index=np.repeat(
                np.arange(len(parts), dtype=np.int32), [len(part.vectors) for part in parts]
            ),
            tokens=tuple(token for part in parts for token in part.tokens),
        )

    def notice(self, text: str) -> str | None:
        """Say what a user should know before trusting this encoder with ``text``, or None.

        For example that the model has not learned the language of the text.
        """
        return None


class HiddenStateEncoder(Protocol):
    """The part of an encoder that also returns the language model's last hidden states."""

    @property
    def hidden_dim(self) -> int:
        """Length of a hidden state, 2048 for ColPali."""
        ...

    def encode_pages_with_hidden(self, pages: Sequence[Page]) -> list[tuple[PageEmbedding, Floats]]:
        """Encode pages in one forward pass.

        Returns:
            Per page its embedding and its hidden states, one per vector. Shape ``(vectors, hidden_dim)``, float32.
        """
        ...


def picture_of(page: Page, space: EmbeddingSpace) -> NDArray[np.uint8]:
    """Take a page's picture, for an encoder that looks at pages.

    Raises:
        InputError: The page was read without one.
    """
    if page.picture is None:
        raise InputError(
            f"page {page.page_number} has no picture, and {space.encoder} looks at pages",
            hint="Read pages with this encoder's picture, or use an encoder of text, such as minilm.",
        )
    return page.picture
