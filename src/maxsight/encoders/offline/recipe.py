"""From hidden states to the vectors that are stored and searched."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from maxsight.encoders.offline.tokens import Frame
from maxsight.errors import ModelNotAvailableError

WINDOW, BLEND, MAX_QUERY_TOKENS = 128, 0.5, 512
"""What was measured best for both models that are built for maxsight."""
Floats32 = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Recipe:
    """How hidden states become vectors.

    A transformer's hidden states have a large common part, the same for all words: it is subtracted (``mean``). The
    rest says little about the passage around a word: some of the window's pooled vector is added (``blend``). Last,
    the directions of most variance on ordinary text are kept (``components``): a third of the space, no less quality.

    Attributes:
        revision: Fingerprint of the model files and of these numbers.
        window: The most tokens of a window, its frame included.
        blend: Weight of the window's pooled vector.
        max_query_tokens: The most tokens of a query that are searched for.
        mean: Mean hidden state. Shape ``(width,)``.
        origin: Mean of the blended vectors. Shape ``(width,)``.
        components: Orthonormal columns. Shape ``(width, dim)``.
        files: The SHA-256 of each model file, hex.
    """

    revision: str
    window: int
    blend: float
    max_query_tokens: int
    mean: Floats32
    origin: Floats32
    components: Floats32
    files: Mapping[str, str]

    @classmethod
    def read(cls, folder: Path) -> Recipe:
        """Read ``recipe.json`` and ``projection.npz``.

        Raises:
            ModelNotAvailableError: They are missing or damaged.
        """
        try:
            settings = json.loads((folder / "recipe.json").read_text(encoding="utf-8"))
            with (folder / "projection.npz").open("rb") as file, np.load(file) as arrays:
                return cls(
                    revision=settings["revision"],
                    window=settings["window"],
                    blend=settings["blend"],
                    max_query_tokens=settings["most_query_pieces"],
                    mean=arrays["mean"],
                    origin=arrays["origin"],
                    components=arrays["components"],
                    files=settings["files"],
                )
        except (OSError, EOFError, ValueError, KeyError, BadZipFile) as error:
            raise ModelNotAvailableError(
                f"the recipe in {folder} can't be read: {error}", hint="Reinstall the package it belongs to."
            ) from error

    @classmethod
    def plain(cls, width: int, revision: str) -> Self:
        """Take hidden states as they are: for a model on which nothing was fitted."""
        zeros = np.zeros(width, np.float32)
        return cls(
            revision, WINDOW, BLEND, MAX_QUERY_TOKENS, zeros, zeros, np.eye(width, dtype=np.float32), {}
        )

    def check_files(self, folder: Path) -> None:
        """Compare the model files with their digests. It takes 0.05 s for 70 MB.

        Raises:
            ModelNotAvailableError: One is missing, or is not what was built.
        """
        for name, expected in self.files.items():
            try:
                with (folder / name).open("rb") as file:
                    found = hashlib.file_digest(file, "sha256").hexdigest()
            except OSError as error:
                raise ModelNotAvailableError(
                    f"{folder / name} can't be read: {error}", hint="Reinstall the package it belongs to."
                ) from error
            if found != expected:
                raise ModelNotAvailableError(
                    f"{folder / name} is damaged: its SHA-256 is {found[:12]}..., expected {expected[:12]}...",
                    hint="Reinstall the package it belongs to.",
                )

    @property
    def dim(self) -> int:
        """Length of the vectors."""
        return int(self.components.shape[1])

    def vectors(self, windows: Sequence[Floats32], frame: Frame) -> Floats32:
        """Make the vectors of a text from the hidden states of its windows.

        Args:
            windows: With their frame. Shape ``(tokens, width)`` each.
            frame: What stands around each.

        Returns:
            Unit norm, one per token of the text. Shape ``(tokens, dim)``.
        """
        if not windows:
            return np.zeros((0, self.dim), np.float32)
        blended = np.concatenate([blend_window(hidden, self.mean, self.blend, frame) for hidden in windows])
        return unit((blended - self.origin) @ self.components)


def blend_window(hidden: Floats32, mean: Floats32, weight: float, frame: Frame) -> Floats32:
    """Subtract the mean from a window's hidden states and add some of the window's pooled vector.

    Args:
        hidden: With their frame. Shape ``(tokens, width)``.
        mean: Shape ``(width,)``.
        weight: Weight of the pooled vector, against 1 for the token's own.
        frame: What stands around the window.

    Returns:
        Unit norm, without the frame. Shape ``(tokens of the text, width)``.
    """
    pooled = unit(hidden.mean(axis=0))  # as sentence-transformers pools: the frame counts
    own = hidden[len(frame.before) : len(hidden) - len(frame.after)]
    return unit(unit(own - mean) + np.float32(weight) * pooled)


def unit(vectors: Floats32) -> Floats32:
    """Scale to length 1 along the last axis."""
    scaled: Floats32 = vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
    return scaled
