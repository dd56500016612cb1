"""Fitting the projection of a recipe, for the builders of the encoders that run offline."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from maxsight.encoders.offline.network import Network
from maxsight.encoders.offline.recipe import blend_window
from maxsight.encoders.offline.tokens import Frame, Window


def fit_projection(
    network: Network, windows: Sequence[Window], frame: Frame, blend: float, dim: int, folder: Path
) -> None:
    """Write ``projection.npz``: the mean of hidden states, and the principal components of blended ones."""
    hidden = network.hidden_states(windows)
    own = [states[len(frame.before) : len(states) - len(frame.after)] for states in hidden]
    mean = np.concatenate(own).mean(axis=0, dtype=np.float64).astype(np.float32)
    blended = np.concatenate([blend_window(states, mean, blend, frame) for states in hidden])
    origin, components = principal_components(blended, dim)
    np.savez(folder / "projection.npz", mean=mean, origin=origin, components=components)


def principal_components(
    vectors: NDArray[np.float32], count: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Compute the mean and the orthonormal directions of most variance. The largest entry of each is positive."""
    mean = vectors.mean(axis=0, dtype=np.float64)
    centred = vectors - mean
    _, directions = np.linalg.eigh(centred.T @ centred)  # ascending
    directions = directions[:, ::-1][:, :count]
    largest = directions[np.abs(directions).argmax(axis=0), np.arange(count)]
    return mean.astype(np.float32), (directions * np.sign(largest)).astype(np.float32)


def sha256(file: Path) -> str:
    """Hash a file's bytes, hex."""
    return hashlib.sha256(file.read_bytes()).hexdigest()
