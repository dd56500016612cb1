"""Vectors as Milvus sends and takes them: float32, float16 or bfloat16."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pymilvus import DataType
from pymilvus.client.embedding_list import EmbeddingList

from maxsight.types import Floats


def read_vectors(field: Any, dim: int) -> NDArray[np.float32]:
    """Read the vectors of a column, or of one array of structs. Shape ``(vectors, dim)``."""
    match field.WhichOneof("data"):
        case "float16_vector":
            values = np.frombuffer(field.float16_vector, "<f2").astype(np.float32)
        case "bfloat16_vector":  # the upper half of a float32
            values = (np.frombuffer(field.bfloat16_vector, "<u2").astype("<u4") << 16).view("<f4")
        case _:
            values = np.array(field.float_vector.data, np.float32)
    return values.reshape(-1, dim)


def to_data(vectors: Floats, kind: DataType) -> Any:
    """Convert query vectors to what pymilvus sends for vectors of a kind."""
    match kind:
        case DataType.FLOAT16_VECTOR:
            return vectors.astype(np.float16)
        case DataType.BFLOAT16_VECTOR:
            return [vector.tobytes() for vector in _to_bfloat16(vectors)]
    return vectors.astype(np.float32)


def to_embedding_list(vectors: Floats, kind: DataType) -> EmbeddingList:
    """Convert a query to an embedding list of a kind."""
    if kind is DataType.BFLOAT16_VECTOR:
        return _BytesList(_to_bfloat16(vectors).tobytes())
    return EmbeddingList(np.ascontiguousarray(to_data(vectors, kind)))


def _to_bfloat16(vectors: Floats) -> NDArray[np.uint16]:
    """Round to the nearest bfloat16, as bits: numpy has no such type."""
    bits = np.ascontiguousarray(vectors, "<f4").view("<u4")
    rounded: NDArray[np.uint16] = ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype("<u2")
    return rounded


class _BytesList(EmbeddingList):  # type: ignore[misc]
    """An embedding list in bytes, which pymilvus sends as the type of the field."""

    def __init__(self, flat: bytes) -> None:
        super().__init__()
        self._flat = flat

    def to_flat_array(self) -> Any:
        """Return the bytes of all vectors."""
        return self._flat
