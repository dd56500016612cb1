"""The events of an embedding run, and their sum."""

from __future__ import annotations

from dataclasses import dataclass

from maxsight.embedding.kinds import EmbeddingType
from maxsight.encoders.pooling import Pooling
from maxsight.notices import Noticed
from maxsight.types import LeftOut


@dataclass(frozen=True, slots=True)
class GoingOn:
    """The run continues one that was stopped.

    Attributes:
        pages: Pages that the earlier run has embedded.
    """

    pages: int


@dataclass(frozen=True, slots=True)
class Embedded:
    """A batch of pages was embedded.

    Attributes:
        batch: Its number in this run, from 1.
        pages: Pages in it.
        vectors: Vectors that the encoder made, before pooling.
        devices: The devices that the encoder used.
        shape: Rows and dims that were stored, after pooling.
        pages_so_far: Pages embedded in this run.
        pages_per_s: The mean since the run began.
    """

    batch: int
    pages: int
    vectors: int
    devices: tuple[str, ...]
    shape: tuple[int, int]
    pages_so_far: int
    pages_per_s: float


class NotEmbedded(LeftOut):
    """A file, or one of its pages, is not in the file of vectors. The run continues."""

    __slots__ = ()


EmbeddingEvent = GoingOn | Embedded | NotEmbedded | Noticed


@dataclass(frozen=True, slots=True)
class EmbeddingReport:
    """The sum of a run.

    Attributes:
        file: The file that was written; None without pages.
        encoder: The encoder that made the vectors.
        revision: Fingerprint of its weights.
        devices: The devices that it used.
        embedding_type: Which of its vectors were taken.
        pooling: How the vectors of a page were pooled.
        pages: Pages in the file.
        earlier_pages: How many of them an earlier run had embedded.
        shape: Rows and dims of the file.
        not_embedded: Files and pages that are not in it.
        seconds: Wall time.
    """

    file: str | None
    encoder: str
    revision: str
    devices: tuple[str, ...]
    embedding_type: EmbeddingType
    pooling: Pooling
    pages: int
    earlier_pages: int
    shape: tuple[int, int]
    not_embedded: tuple[NotEmbedded, ...]
    seconds: float
