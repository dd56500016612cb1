"""The ONNX graph of a BERT encoder up to its last hidden states, made without torch.

How weights are stored is not decided here: a `Model` adds the nodes of its vocabulary and of its linear layers.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper


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


@dataclass(frozen=True)
class Size:
    """The sizes of a BERT encoder.

    Attributes:
        layers: Layers of attention and feed-forward network.
        heads: Heads of each attention.
        width: Length of a hidden state.
        epsilon: Added to variances before they divide.
    """

    layers: int
    heads: int
    width: int
    epsilon: float


class Model(ABC):
    """The weights of one encoder, named as BERT's are: ``encoder.layer.0.attention.self.query``.

    Attributes:
        name: The name of the graph.
        size: Its sizes.
        opsets: The operators' versions, by domain.
        ir_version: The version of the file format.
    """

    name: str
    size: Size
    opsets: dict[str, int]
    ir_version: int

    @abstractmethod
    def floats(self, name: str) -> NDArray[np.float32]:
        """Return a tensor that is small: a bias, a scale, positions."""

    @abstractmethod
    def vocabulary(self, graph: Graph) -> str:
        """Look up the rows of ``ids``. Shape of the output ``(windows, pieces, width)``."""

    @abstractmethod
    def matmul(self, graph: Graph, name: str, hidden: str) -> str:
        """Multiply with a weight, without its bias."""


def build_graph(model: Model) -> onnx.ModelProto:
    """Build the network up to its last hidden states.

    Inputs ``ids`` and ``mask``, int64, shape ``(windows, pieces)``, at most 512 pieces; output ``hidden``,
    float32, shape ``(windows, pieces, width)``. A piece is a token: the name is part of the graph's bytes.
    """
    graph = Graph()
    hidden = _embed(graph, model)
    bias = _attention_bias(graph)
    for layer in range(model.size.layers):
        prefix = f"encoder.layer.{layer}."
        attended = _attend(graph, model, prefix + "attention.", hidden, bias)
        hidden = _add_and_normalise(graph, model, prefix + "attention.output.", attended, hidden)
        wide = _gelu(graph, _linear(graph, model, prefix + "intermediate.dense", hidden))
        narrow = _linear(graph, model, prefix + "output.dense", wide)
        hidden = _add_and_normalise(graph, model, prefix + "output.", narrow, hidden)
    graph.nodes[-1].output[0] = "hidden"
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.INT64, ["windows", "pieces"])
        for name in ("ids", "mask")
    ]
    shape = ["windows", "pieces", model.size.width]
    output = helper.make_tensor_value_info("hidden", TensorProto.FLOAT, shape)
    built = helper.make_model(
        helper.make_graph(graph.nodes, model.name, inputs, [output], list(graph.constants.values())),
        opset_imports=[helper.make_opsetid(domain, version) for domain, version in model.opsets.items()],
        ir_version=model.ir_version,
        producer_name="maxsight",
    )
    onnx.checker.check_model(built, full_check=True)
    return built


def _embed(graph: Graph, model: Model) -> str:
    """Add vocabulary row, position and the one segment that is used, and normalise."""
    rows = model.vocabulary(graph)
    segment = model.floats("embeddings.token_type_embeddings.weight")[0]
    positions = model.floats("embeddings.position_embeddings.weight") + segment
    count = graph.node("Shape", ["ids"], start=1, end=2)
    used = graph.node(
        "Slice", [graph.constant("positions", positions), graph.integers(0), count, graph.integers(0)]
    )
    return _normalise(graph, model, "embeddings.LayerNorm", graph.node("Add", [rows, used]))


def _attention_bias(graph: Graph) -> str:
    """Make 0 where there is a token, -10,000 where there is padding. Shape ``(windows, 1, 1, pieces)``."""
    mask = graph.node("Cast", ["mask"], to=TensorProto.FLOAT)
    padding = graph.node("Sub", [graph.scalar(1), mask])
    return graph.node(
        "Unsqueeze", [graph.node("Mul", [padding, graph.scalar(-10_000)]), graph.integers(1, 2)]
    )


def _attend(graph: Graph, model: Model, prefix: str, hidden: str, bias: str) -> str:
    """Multi-head self-attention, up to its output projection."""
    heads, of_head = model.size.heads, model.size.width // model.size.heads
    parts = {}
    for part in ("query", "key", "value"):
        projected = _linear(graph, model, f"{prefix}self.{part}", hidden)
        split = graph.node("Reshape", [projected, graph.integers(0, 0, heads, of_head)])
        parts[part] = graph.node("Transpose", [split], perm=[0, 2, 3, 1] if part == "key" else [0, 2, 1, 3])
    scores = graph.node("MatMul", [parts["query"], parts["key"]])
    scores = graph.node("Mul", [scores, graph.scalar(of_head**-0.5)])
    shares = graph.node("Softmax", [graph.node("Add", [scores, bias])], axis=-1)
    mixed = graph.node("Transpose", [graph.node("MatMul", [shares, parts["value"]])], perm=[0, 2, 1, 3])
    joined = graph.node("Reshape", [mixed, graph.integers(0, 0, model.size.width)])
    return _linear(graph, model, prefix + "output.dense", joined)


def _linear(graph: Graph, model: Model, name: str, hidden: str) -> str:
    product = model.matmul(graph, name, hidden)
    return graph.node("Add", [product, graph.constant(name + ".bias", model.floats(name + ".bias"))])


def _gelu(graph: Graph, hidden: str) -> str:
    """Apply the exact form, ``x * (1 + erf(x / sqrt 2)) / 2``, which onnxruntime recognises."""
    error = graph.node("Erf", [graph.node("Div", [hidden, graph.scalar(2**0.5)])])
    product = graph.node("Mul", [hidden, graph.node("Add", [error, graph.scalar(1)])])
    return graph.node("Mul", [product, graph.scalar(0.5)])


def _add_and_normalise(graph: Graph, model: Model, prefix: str, hidden: str, residual: str) -> str:
    return _normalise(graph, model, prefix + "LayerNorm", graph.node("Add", [hidden, residual]))


def _normalise(graph: Graph, model: Model, name: str, hidden: str) -> str:
    scale = graph.constant(name + ".weight", model.floats(name + ".weight"))
    shift = graph.constant(name + ".bias", model.floats(name + ".bias"))
    return graph.node("LayerNormalization", [hidden, scale, shift], axis=-1, epsilon=model.size.epsilon)
