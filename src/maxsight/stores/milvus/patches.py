"""A page's vectors as an embedding list of Milvus: an array of structs, each with a vector and its region.

The regions are for other programs that read the collection. maxsight reads them from the page's own columns.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pymilvus import CollectionSchema, DataType, MilvusClient
from pymilvus.client.types import HybridExtraList

from maxsight.errors import StoreError
from maxsight.types import MAX_VECTORS_PER_PAGE, WHOLE_PAGE, PageEmbedding

PATCHES = "patches"
VECTORS = f"{PATCHES}[vector]"
"""The vectors' name in indexes, searches and answers."""

METRIC = "MAX_SIM_COSINE"

_NAMES = ("vector", "x0", "y0", "x1", "y1", "start", "end")
_KINDS = (DataType.FLOAT_VECTOR, *[DataType.FLOAT] * 4, *[DataType.INT32] * 2)
_REGION_BYTES = 48
"""Of a patch in a request, without its vector."""


def add_patches(schema: CollectionSchema, dim: int) -> None:
    """Add the array of structs to the schema of a collection."""
    struct = MilvusClient.create_struct_field_schema()
    for name, kind in zip(_NAMES, _KINDS, strict=True):
        struct.add_field(name, kind, **({"dim": dim} if kind is DataType.FLOAT_VECTOR else {}))
    schema.add_field(
        PATCHES,
        DataType.ARRAY,
        element_type=DataType.STRUCT,
        struct_schema=struct,
        max_capacity=MAX_VECTORS_PER_PAGE,
    )


def check_patches(description: Mapping[str, Any], dim: int, where: str) -> None:
    """Refuse a collection whose array of structs has no vectors of the library's dimension.

    Args:
        description: The server's description of the collection.
        dim: The dimension of the library's vectors.
        where: The library, for the error message.

    Raises:
        StoreError: The array is missing, or its vectors have another dimension.
    """
    parts = (field.get("struct_fields", ()) for field in description["fields"] if field["name"] == PATCHES)
    dims = [int(part["params"]["dim"]) for part in chain(*parts) if part["name"] == "vector"]
    if dims != [dim]:
        raise StoreError(f"{where}: the collection has no array of structs with vectors of {dim} dimensions")


def to_patches(embedding: PageEmbedding) -> list[dict[str, Any]]:
    """Convert a page's vectors and regions. Without boxes a region is the whole page; without spans it has no text.

    A page without vectors gets one patch as a placeholder, because not every server accepts an empty array.
    """
    vectors, regions = embedding.vectors.astype(np.float32), embedding.regions
    count, dim = vectors.shape
    if not count:
        return [dict(zip(_NAMES, (np.eye(1, dim, dtype=np.float32)[0], *WHOLE_PAGE, 0, 0), strict=True))]
    boxes = [list(WHOLE_PAGE)] * count if regions.boxes is None else regions.boxes.tolist()
    spans = [[0, 0]] * count if regions.spans is None else regions.spans.tolist()
    return [
        dict(zip(_NAMES, (vector, *box, *span), strict=True))
        for vector, box, span in zip(vectors, boxes, spans, strict=True)
    ]


def estimate_bytes(count: int, dim: int) -> int:
    """Estimate the bytes of ``count`` patches in a request."""
    return max(1, count) * (4 * dim + _REGION_BYTES)


def drop_patches(answer: HybridExtraList) -> list[dict[str, Any]]:
    """Return the rows in the answer to a query, without their patches.

    pymilvus makes a dictionary for each patch when a row is first read, which takes 20 ms a page. The answer also has
    the columns, which ``to_vectors`` reads in 0.1 ms.
    """
    return [list.__getitem__(answer, row) for row in range(len(answer))]


def to_vectors(answer: HybridExtraList, dim: int) -> list[NDArray[np.float16]]:
    """Return the vectors in the answer to a query for ``VECTORS``, row by row. Shape ``(vectors, dim)`` each."""
    parts = [part for column in answer._lazy_field_data for part in column.struct_arrays.fields]
    if not parts:
        return []
    pages = (np.array(page.float_vector.data, np.float32) for page in parts[0].vectors.vector_array.data)
    return [page.reshape(-1, dim).astype(np.float16) for page in pages]
