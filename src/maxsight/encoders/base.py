"""The seam to whatever turns pages and queries into vectors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, runtime_checkable

from maxsight.errors import InputError
from maxsight.pictures import PictureFit
from maxsight.settings import default_devices
from maxsight.types import EmbeddingSpace, Floats, Page, PageEmbedding, QueryEmbedding

PAGES_PER_BATCH = 16


class Precision(StrEnum):
    """The floating-point type a model computes in. Its vectors leave as float32 all the same."""

    AUTO = "auto"
    """bfloat16 on a GPU that has it, float16 on other GPUs, float32 on a CPU."""
    BFLOAT16 = "bfloat16"
    FLOAT16 = "float16"
    FLOAT32 = "float32"


@dataclass(frozen=True, slots=True)
class EncoderOptions:
    """How an encoder runs on this machine. None of it changes what its vectors mean.

    Encoders that come with maxsight run on the CPU: they refuse other devices, and leave out what does not concern
    them of the rest.

    Attributes:
        devices: ``auto``, ``cuda``, ``cuda:1``, ``mps``, ``cpu``; several work side by side on different pages.
            ``MAXSIGHT_DEVICE``, else ``auto``, if not given.
        precision: What the model computes in.
        batch_size: Pages encoded together, or windows of text where a model reads text; None to go by free memory.
            Halved when memory runs out.
        trust_remote_code: Run Python code that comes with a checkpoint of texts; those of pictures never run any.
            Off unless given.
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
    """Turns pages and queries into multi-vectors of one space."""

    @property
    def space(self) -> EmbeddingSpace:
        """What the vectors may be compared with. Written to the library's manifest."""
        ...

    @property
    def picture(self) -> PictureFit | None:
        """The picture it needs of every page; None if it goes by the page's words alone."""
        ...

    @property
    def batch_size(self) -> int:
        """How many pages it likes to be given at once. More or fewer are encoded as well."""
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


@runtime_checkable
class PlacedEncoder(Protocol):
    """An encoder that can run elsewhere than on the CPU, and says where it does."""

    @property
    def devices(self) -> tuple[str, ...]:
        """``cuda:0``, ``mps``, ``cpu``: the devices that were chosen."""
        ...

    @property
    def precision(self) -> str:
        """``float32``, ``bfloat16``, ``float16``: what was chosen to compute in."""
        ...


@runtime_checkable
class HiddenStateEncoder(Protocol):
    """An encoder whose language model's last hidden state can be had beside the vectors made of it."""

    @property
    def hidden_dim(self) -> int:
        """Length of a hidden state, 2048 for ColPali."""
        ...

    def encode_pages_with_hidden(self, pages: Sequence[Page]) -> list[tuple[PageEmbedding, Floats]]:
        """Encode pages in one forward pass.

        Returns:
            Per page its embedding, and its hidden states, one per vector. Shape ``(vectors, hidden_dim)``, float32.
        """
        ...
