"""The ONNX graph of all-MiniLM-L6-v2 with 8-bit weights, made without torch.

A weight is stored as int8 with one scale per group of 64 inputs. Graph nodes (Cast, Mul, Reshape) turn it
back into float32. They depend only on constants, so onnxruntime runs them once, while it loads. (It would not fold
DequantizeLinear: it uses that for integer kernels, whose results differ between processors.) Rows of the vocabulary
table are converted after they are looked up.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

Weights = dict[str, NDArray[np.float32]]

LAYERS, HEADS, WIDTH = 6, 12, 384
GROUP = 64


@dataclass
class Graph:
    """ONNX nodes and constants, appended in the order they run."""

    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: dict[str, onnx.TensorProto] = field(default_factory=dict)

    def constant(self, name: str, value: NDArray[np.generic]) -> str:
        """Store an array once and return its name."""
        self.constants[name] = numpy_helper.from_array(np.ascontiguousarray(value), name)
        return name

    def node(self, operator: str, inputs: list[str], **attributes: object) -> str:
        """Append a node with one output and return the output's name."""
        output = f"{operator}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [output], **attributes))
        return output

    def scalar(self, value: float) -> str:
        """Store a float."""
        return self.constant(f"float_{value:g}", np.float32(value))

    def integers(self, *values: int) -> str:
        """Store a list of integers: a shape, or axes."""
        return self.constant("ints_" + "_".join(map(str, values)), np.array(values, np.int64))


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


def build_graph(weights: Weights) -> onnx.ModelProto:
    """Build the network up to its last hidden states.

    Inputs ``ids`` and ``mask``, int64, shape ``(windows, pieces)``, at most 512 pieces; output ``hidden``,
    float32, shape ``(windows, pieces, 384)``. A piece is a token: the name is part of the graph's bytes.
    """
    graph = Graph()
    hidden = _embed(graph, weights)
    bias = _attention_bias(graph)
    for layer in range(LAYERS):
        prefix = f"encoder.layer.{layer}."
        attended = _attend(graph, weights, prefix + "attention.", hidden, bias)
        hidden = _add_and_normalise(graph, weights, prefix + "attention.output.", attended, hidden)
        wide = _gelu(graph, _linear(graph, weights, prefix + "intermediate.dense", hidden))
        narrow = _linear(graph, weights, prefix + "output.dense", wide)
        hidden = _add_and_normalise(graph, weights, prefix + "output.", narrow, hidden)
    graph.nodes[-1].output[0] = "hidden"
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.INT64, ["windows", "pieces"])
        for name in ("ids", "mask")
    ]
    output = helper.make_tensor_value_info("hidden", TensorProto.FLOAT, ["windows", "pieces", WIDTH])
    model = helper.make_model(
        helper.make_graph(graph.nodes, "all-MiniLM-L6-v2", inputs, [output], list(graph.constants.values())),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=8,
        producer_name="maxsight",
    )
    onnx.checker.check_model(model, full_check=True)
    return model


def _embed(graph: Graph, weights: Weights) -> str:
    """Add vocabulary row, position and the one segment that is used, and normalise."""
    steps, scales = quantise(weights["embeddings.word_embeddings.weight"])
    rows = graph.node("Gather", [graph.constant("vocabulary.int8", steps), "ids"])
    row_scales = graph.node("Gather", [graph.constant("vocabulary.scales", scales), "ids"])
    rows = graph.node("Mul", [graph.node("Cast", [rows], to=TensorProto.FLOAT), row_scales])
    rows = graph.node("Reshape", [rows, graph.integers(0, 0, WIDTH)])
    segment = weights["embeddings.token_type_embeddings.weight"][0]
    positions = weights["embeddings.position_embeddings.weight"] + segment
    count = graph.node("Shape", ["ids"], start=1, end=2)
    used = graph.node(
        "Slice", [graph.constant("positions", positions), graph.integers(0), count, graph.integers(0)]
    )
    return _normalise(graph, weights, "embeddings.LayerNorm", graph.node("Add", [rows, used]))


def _attention_bias(graph: Graph) -> str:
    """Make 0 where there is a token, -10,000 where there is padding. Shape ``(windows, 1, 1, pieces)``."""
    mask = graph.node("Cast", ["mask"], to=TensorProto.FLOAT)
    padding = graph.node("Sub", [graph.scalar(1), mask])
    return graph.node(
        "Unsqueeze", [graph.node("Mul", [padding, graph.scalar(-10_000)]), graph.integers(1, 2)]
    )


def _attend(graph: Graph, weights: Weights, prefix: str, hidden: str, bias: str) -> str:
    """Multi-head self-attention, up to its output projection."""
    heads = {}
    for part in ("query", "key", "value"):
        projected = _linear(graph, weights, f"{prefix}self.{part}", hidden)
        split = graph.node("Reshape", [projected, graph.integers(0, 0, HEADS, WIDTH // HEADS)])
        heads[part] = graph.node("Transpose", [split], perm=[0, 2, 3, 1] if part == "key" else [0, 2, 1, 3])
    scores = graph.node("MatMul", [heads["query"], heads["key"]])
    scores = graph.node("Mul", [scores, graph.scalar((WIDTH // HEADS) ** -0.5)])
    shares = graph.node("Softmax", [graph.node("Add", [scores, bias])], axis=-1)
    mixed = graph.node("Transpose", [graph.node("MatMul", [shares, heads["value"]])], perm=[0, 2, 1, 3])
    joined = graph.node("Reshape", [mixed, graph.integers(0, 0, WIDTH)])
    return _linear(graph, weights, prefix + "output.dense", joined)


def _linear(graph: Graph, weights: Weights, name: str, hidden: str) -> str:
    outputs, inputs = weights[name + ".weight"].shape
    steps, scales = quantise(weights[name + ".weight"])
    floats = graph.node("Cast", [graph.constant(name + ".int8", steps)], to=TensorProto.FLOAT)
    floats = graph.node("Mul", [floats, graph.constant(name + ".scales", scales)])
    matrix = graph.node("Reshape", [floats, graph.integers(outputs, inputs)])
    product = graph.node("MatMul", [hidden, graph.node("Transpose", [matrix], perm=[1, 0])])
    return graph.node("Add", [product, graph.constant(name + ".bias", weights[name + ".bias"])])


def _gelu(graph: Graph, hidden: str) -> str:
    """Apply the exact form, ``x * (1 + erf(x / sqrt 2)) / 2``, which onnxruntime recognises."""
    error = graph.node("Erf", [graph.node("Div", [hidden, graph.scalar(2**0.5)])])
    product = graph.node("Mul", [hidden, graph.node("Add", [error, graph.scalar(1)])])
    return graph.node("Mul", [product, graph.scalar(0.5)])


def _add_and_normalise(graph: Graph, weights: Weights, prefix: str, hidden: str, residual: str) -> str:
    return _normalise(graph, weights, prefix + "LayerNorm", graph.node("Add", [hidden, residual]))


def _normalise(graph: Graph, weights: Weights, name: str, hidden: str) -> str:
    scale = graph.constant(name + ".weight", weights[name + ".weight"])
    shift = graph.constant(name + ".bias", weights[name + ".bias"])
    return graph.node("LayerNormalization", [hidden, scale, shift], axis=-1, epsilon=1e-12)
