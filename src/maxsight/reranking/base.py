"""The protocol of rerankers, and what they read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from PIL import Image

DEFAULT_PAGES = 20


class Reads(StrEnum):
    """What a reranker reads of a page."""

    TEXT = "text"
    IMAGE = "image"
    BOTH = "both"


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A page as a reranker reads it.

    Attributes:
        text: Its text; empty if there is none, or the reranker reads none.
        picture: Its picture, RGB; None if it can't be drawn, or the reranker looks at none.
    """

    text: str
    picture: Image.Image | None = None


class Reranker(Protocol):
    """Scores pages for a question, by a model that reads both together.

    Attributes:
        name: The model's name.
        reads: What it reads of a page.
        pages: How many of the first pages it reads.
    """

    name: str
    reads: Reads
    pages: int

    def score(self, question: str, candidates: Sequence[Candidate]) -> list[float | None]:
        """Score pages. More is better; compare the scores of one question only.

        Returns:
            One score for each; None for a page on which there is nothing to read.

        Raises:
            EncoderOutOfMemoryError: A single page is more than the device's memory holds.
            EncoderError: The model failed.
        """
        ...
