"""What happens while files are embedded, as values, and their sum."""

from __future__ import annotations

from dataclasses import dataclass

from maxsight.embedding.kinds import EmbeddingType
from maxsight.encoders.pooling import Pooling
from maxsight.notices import Noticed
from maxsight.types import LeftOut


@dataclass(frozen=True, slots=True)
class GoingOn:
    """An earlier run was stopped; what it has made is used.

    Attributes:
        pages: Pages that are there already.
    """

    pages: int


@dataclass(frozen=True, slots=True)
class Embedded:
    """A batch of pages was embedded.

    Attributes:
        batch: Its number in this run, from 1.
        pages: Pages in it.
        vectors: Vectors that the encoder made of them.
        devices: Where.
        shape: Of what is kept of it: rows, and dims of each.
        pages_so_far: Pages of this run.
        pages_per_s: Since the run began.
    """

    batch: int
    pages: int
    vectors: int
    devices: tuple[str, ...]
    shape: tuple[int, int]
    pages_so_far: int
    pages_per_s: float


class NotEmbedded(LeftOut):
    """A file, or a page of it, is not in the file of vectors. Everything else goes on."""

    __slots__ = ()


EmbeddingEvent = GoingOn | Embedded | NotEmbedded | Noticed


@dataclass(frozen=True, slots=True)
class EmbeddingReport:
    """What a run made.

    Attributes:
        file: The file that was written; None if there was nothing to write.
        encoder: What made the vectors.
        revision: Fingerprint of its weights.
        devices: Where.
        embedding_type: Which of its vectors.
        pooling: What was kept of a page's vectors.
        pages: Pages in the file.
        earlier_pages: Of these, how many an earlier run had made.
        shape: Rows, and dims of each.
        not_embedded: What is not in it.
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
