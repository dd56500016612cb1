"""An open visual checkpoint. It is the same for every layout on disk."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

from torch import nn

QueryFormat = Literal["native", "engine"]
"""How queries and page prompts are written: as by transformers, or as by colpali-engine."""


class Family(StrEnum):
    """Kinds of checkpoints. Each has its own way to prepare pages and to place vectors."""

    COLPALI = "colpali"
    COLQWEN2 = "colqwen2"
    COLQWEN2_5 = "colqwen2_5"
    COLQWEN3 = "colqwen3"
    COLMODERNVBERT = "colmodernvbert"
    COLIDEFICS3 = "colidefics3"


@dataclass(frozen=True, slots=True, eq=False)
class Checkpoint:
    """A late-interaction model of page pictures, whole and verified, on the CPU.

    Attributes:
        name: As given to ``--encoder``; the absolute path for a folder.
        family: Its kind.
        query_format: Part of the embedding space: vectors of the two formats must not be compared.
        backbone: The vision-language model without its language head. Its output has ``last_hidden_state`` of
            shape ``(pages, tokens, hidden)``.
        projection: From a hidden state to an embedding.
        processor: transformers' processor of the family, its pictures processed by Pillow (backend ``pil``).
        revision: Fingerprint of the weights and the settings that matter to the vectors: the same on every
            machine and in every precision.
    """

    name: str
    family: Family
    query_format: QueryFormat
    backbone: nn.Module
    projection: nn.Linear
    processor: Any
    revision: str
