"""The network in plain numpy with the original float32 weights: the reference of the tests.

It is written independently of the ONNX graph, so that a mistake in one of them shows.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from minilm_graph import HEADS, LAYERS, WIDTH, Weights
from numpy.typing import NDArray

from maxsight.encoders.minilm.tokens import CLS, SEP, WordPieceTokenizer

SENTENCES = (
    "What drove the reduction in selling, general and administrative expense?",
    "Net sales rose 4.2% to $1,234.5 million in fiscal 2023, from $1,184.7 million a year earlier.",
    "Dispose of lithium-ion batteries only at designated collection points; never incinerate them.",
    "def encode_pages(self, pages: Sequence[Page]) -> list[PageEmbedding]: ...",
    "Der Umsatz stieg im Jahr 2023 um vier Prozent.",
    "The café's naïve façade — a résumé of the city's coöperative architecture — was restored in 1931.",
)

_erf = np.vectorize(math.erf)


def write_reference(weights: Weights, tokenizer: WordPieceTokenizer, file: Path) -> None:
    """Write the sentences and their last hidden states ``(tokens, 384)``, special tokens included."""
    arrays: dict[str, NDArray[np.generic]] = {"sentences": np.array(SENTENCES)}
    for number, sentence in enumerate(SENTENCES):
        ids = np.concatenate([[CLS], tokenizer.tokenize(sentence).ids, [SEP]])
        arrays[f"hidden_{number}"] = hidden_states(weights, ids)
    file.parent.mkdir(parents=True, exist_ok=True)
    np.savez(file, **arrays)


def hidden_states(weights: Weights, ids: NDArray[np.int64]) -> NDArray[np.float32]:
    """Run one window through the network. Shape ``(tokens, 384)``."""
    embeddings = "embeddings.{}_embeddings.weight".format
    hidden = weights[embeddings("word")][ids] + weights[embeddings("position")][: len(ids)]
    hidden = _normalise(weights, "embeddings.LayerNorm", hidden + weights[embeddings("token_type")][0])
    for layer in range(LAYERS):
        prefix = f"encoder.layer.{layer}."
        attended = _attend(weights, prefix + "attention.", hidden)
        hidden = _normalise(weights, prefix + "attention.output.LayerNorm", attended + hidden)
        wide = _linear(weights, prefix + "intermediate.dense", hidden)
        wide = wide * (1 + _erf(wide / math.sqrt(2))) / 2
        hidden = _normalise(
            weights, prefix + "output.LayerNorm", _linear(weights, prefix + "output.dense", wide) + hidden
        )
    return hidden.astype(np.float32)


def _attend(weights: Weights, prefix: str, hidden: NDArray[np.floating]) -> NDArray[np.floating]:
    query, key, value = (
        _linear(weights, f"{prefix}self.{part}", hidden).reshape(len(hidden), HEADS, -1).swapaxes(0, 1)
        for part in ("query", "key", "value")
    )  # (heads, tokens, width per head)
    scores = np.exp(query @ key.swapaxes(1, 2) / math.sqrt(WIDTH // HEADS))
    mixed = scores / scores.sum(axis=-1, keepdims=True) @ value
    return _linear(weights, prefix + "output.dense", mixed.swapaxes(0, 1).reshape(hidden.shape))


def _linear(weights: Weights, name: str, hidden: NDArray[np.floating]) -> NDArray[np.floating]:
    return hidden @ weights[name + ".weight"].T + weights[name + ".bias"]


def _normalise(weights: Weights, name: str, hidden: NDArray[np.floating]) -> NDArray[np.floating]:
    centred = hidden - hidden.mean(axis=-1, keepdims=True)
    scaled = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-12)
    return scaled * weights[name + ".weight"] + weights[name + ".bias"]
