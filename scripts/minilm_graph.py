"""The weights of all-MiniLM-L6-v2 in 8 bits, for the graph of `bert_graph`.

A weight is stored as int8 with one scale per group of 64 inputs. Graph nodes (Cast, Mul, Reshape) turn it
back into float32. They depend only on constants, so onnxruntime runs them once, while it loads. (It would not fold
DequantizeLinear: it uses that for integer kernels, whose results differ between processors.) Rows of the vocabulary
table are converted after they are looked up.
"""

from __future__ import annotations

import numpy as np
from bert_graph import Graph, Model, Size
from numpy.typing import NDArray
from onnx import TensorProto

Weights = dict[str, NDArray[np.float32]]

LAYERS, HEADS, WIDTH = 6, 12, 384
GROUP = 64


class MiniLMModel(Model):
    """all-MiniLM-L6-v2."""

    name = "all-MiniLM-L6-v2"
    size = Size(LAYERS, HEADS, WIDTH, epsilon=1e-12)
    opsets = {"": 17}  # noqa: RUF012
    ir_version = 8

    def __init__(self, weights: Weights) -> None:
        self._weights = weights

    def floats(self, name: str) -> NDArray[np.float32]:
        """Return a tensor as it was published."""
        return self._weights[name]

    def vocabulary(self, graph: Graph) -> str:
        """Look up rows of int8, and convert them."""
        steps, scales = quantise(self._weights["embeddings.word_embeddings.weight"])
        rows = graph.node("Gather", [graph.constant("vocabulary.int8", steps), "ids"])
        row_scales = graph.node("Gather", [graph.constant("vocabulary.scales", scales), "ids"])
        rows = graph.node("Mul", [graph.node("Cast", [rows], to=TensorProto.FLOAT), row_scales])
        return graph.node("Reshape", [rows, graph.integers(0, 0, WIDTH)])

    def matmul(self, graph: Graph, name: str, hidden: str) -> str:
        """Multiply with the weight in float32."""
        outputs, inputs = self._weights[name + ".weight"].shape
        steps, scales = quantise(self._weights[name + ".weight"])
        floats = graph.node("Cast", [graph.constant(name + ".int8", steps)], to=TensorProto.FLOAT)
        floats = graph.node("Mul", [floats, graph.constant(name + ".scales", scales)])
        matrix = graph.node("Reshape", [floats, graph.integers(outputs, inputs)])
        return graph.node("MatMul", [hidden, graph.node("Transpose", [matrix], perm=[1, 0])])


def quantise(weight: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Round to 255 steps, symmetric around zero, one scale per group along the last axis.

    Args:
        weight: Shape ``(rows, inputs)``.

    Returns:
        Steps and scales, shapes ``(rows, groups, GROUP)`` and ``(rows, groups, 1)``.
    """
    groups = weight.reshape(len(weight), -1, GROUP)
    scales = np.abs(groups).max(axis=-1, keepdims=True) / np.float32(127)
    scales[scales == 0] = 1
    return np.round(groups / scales).astype(np.int8), scales
