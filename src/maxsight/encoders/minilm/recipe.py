"""From hidden states to the vectors that are stored and searched."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from maxsight.errors import ModelNotAvailableError

Floats32 = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Recipe:
    """How hidden states become vectors.

    A transformer's hidden states have a large common part, the same for all words: it is subtracted (``mean``). The
    rest says little about the passage around a word: some of the window's pooled vector is added (``blend``). Last,
    the directions of most variance on ordinary text are kept (``components``): a third of the space, no less quality.

    Attributes:
        revision: Fingerprint of the model files and of these numbers.
        window: The most tokens of a window, ``[CLS]`` and ``[SEP]`` included.
        blend: Weight of the window's pooled vector.
        max_query_tokens: The most tokens of a query that are searched for.
        mean: Mean hidden state. Shape ``(384,)``.
        origin: Mean of the blended vectors. Shape ``(384,)``.
        components: Orthonormal columns. Shape ``(384, dim)``.
    """

    revision: str
    window: int
    blend: float
    max_query_tokens: int
    mean: Floats32
    origin: Floats32
    components: Floats32

    @classmethod
    def read(cls, folder: Path) -> Recipe:
        """Read ``recipe.json`` and ``projection.npz``.

        Raises:
            ModelNotAvailableError: They are missing or damaged.
        """
        try:
            settings = json.loads((folder / "recipe.json").read_text(encoding="utf-8"))
            with np.load(folder / "projection.npz") as arrays:
                return cls(
                    revision=settings["revision"],
                    window=settings["window"],
                    blend=settings["blend"],
                    max_query_tokens=settings["most_query_pieces"],
                    mean=arrays["mean"],
                    origin=arrays["origin"],
                    components=arrays["components"],
                )
        except (OSError, ValueError, KeyError) as error:
            raise ModelNotAvailableError(
                f"the recipe in {folder} can't be read: {error}", hint="Reinstall maxsight."
            ) from error

    @property
    def dim(self) -> int:
        """Length of the vectors."""
        return int(self.components.shape[1])

    def vectors(self, windows: Sequence[Floats32]) -> Floats32:
        """Make the vectors of a text from the hidden states of its windows.

        Args:
            windows: Special tokens included. Shape ``(tokens, 384)`` each.

        Returns:
            Unit norm, one per token that is not special. Shape ``(tokens, dim)``.
        """
        if not windows:
            return np.zeros((0, self.dim), np.float32)
        blended = np.concatenate([blend_window(hidden, self.mean, self.blend) for hidden in windows])
        return unit((blended - self.origin) @ self.components)


def blend_window(hidden: Floats32, mean: Floats32, weight: float) -> Floats32:
    """Subtract the mean from a window's hidden states and add some of the window's pooled vector.

    Args:
        hidden: Special tokens included. Shape ``(tokens, 384)``.
        mean: Shape ``(384,)``.
        weight: Weight of the pooled vector, against 1 for the token's own.

    Returns:
        Unit norm, special tokens left out. Shape ``(tokens - 2, 384)``.
    """
    pooled = unit(hidden.mean(axis=0))  # as sentence-transformers pools: special tokens count
    return unit(unit(hidden[1:-1] - mean) + np.float32(weight) * pooled)


def unit(vectors: Floats32) -> Floats32:
    """Scale to length 1 along the last axis."""
    scaled: Floats32 = vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
    return scaled
