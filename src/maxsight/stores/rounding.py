"""What storing does to a page, the same in every store: unit-norm float16 vectors, boxes on a fine grid.

Scores are computed from these values, so two stores of one library give the same scores to the last bit.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from maxsight.errors import DimensionMismatchError, InputError
from maxsight.stores.base import IndexedPage
from maxsight.stores.fields import FieldType, stored_value
from maxsight.stores.ragged import are_unit
from maxsight.types import Floats, PageEmbedding, Regions, Words

BOX_STEPS = 65535
_SURROGATE = re.compile("[\ud800-\udfff]")


def as_stored(page: IndexedPage, dim: int, fields: dict[str, FieldType]) -> IndexedPage:
    """Return the page as every store gives it back.

    Args:
        page: The page to store.
        dim: Dimension of the library's vectors.
        fields: The user's fields, also those of this page.

    Text of half a surrogate pair is no Unicode, and no store can hold it: U+FFFD takes its place.

    Raises:
        DimensionMismatchError: The vectors have another dimension.
        InputError: A vector has no direction, or the document's path is no Unicode text.
    """
    if _SURROGATE.search(page.document.path):
        raise InputError(
            f"{page.document.path!r} is no Unicode text, and can't be the name of a document",
            hint="Rename the file.",
        )
    embedding, words = page.embedding, page.page.words
    regions = embedding.regions
    return replace(
        page,
        page=replace(
            page.page,
            text=_SURROGATE.sub("\ufffd", page.page.text),
            words=Words(words.spans.astype(np.int32), _on_grid(words.boxes)),
        ),
        embedding=PageEmbedding(
            unit_float16(embedding.vectors, dim, page.page_id),
            Regions(
                _on_grid(regions.boxes), None if regions.spans is None else regions.spans.astype(np.int32)
            ),
        ),
        metadata={name: stored_value(value, fields[name]) for name, value in page.metadata.items()},
    )


def check_queries(queries: Sequence[Floats], dim: int) -> None:
    """Refuse queries that can't be compared with the stored vectors.

    Args:
        queries: Shape ``(query_tokens, dim)`` each.
        dim: Dimension of the library's vectors.

    Raises:
        DimensionMismatchError: A query has vectors of another dimension.
    """
    for query in queries:
        if query.shape[1:] != (dim,):
            raise DimensionMismatchError(
                f"the query has vectors of shape {query.shape}, the library's have {dim} dimensions"
            )


def unit_float16(vectors: Floats, dim: int, page_id: str) -> NDArray[np.float16]:
    """Scale vectors to unit norm and round them to float16. Vectors in float16 are taken as they are.

    Args:
        vectors: Shape ``(vectors, dim)``.
        dim: Dimension of the library's vectors.
        page_id: For the error.

    Raises:
        DimensionMismatchError: The vectors have another dimension.
        InputError: A vector has no direction, or a float16 one is not of unit norm.
    """
    if vectors.shape[1:] != (dim,):
        raise DimensionMismatchError(
            f"page {page_id} has vectors of shape {vectors.shape}, the library's have {dim} dimensions"
        )
    norms = np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
    if vectors.dtype == np.float16:
        if not are_unit(norms):
            raise InputError(f"page {page_id} has float16 vectors that are not of unit norm")
        return vectors.astype(np.float16, copy=False)
    if not (np.isfinite(norms) & (norms > 0)).all():
        raise InputError(
            f"page {page_id} has a vector of zeros, or of endless length, which has no direction"
        )
    unit: NDArray[np.float16] = (vectors / norms).astype(np.float16)
    return unit


def to_grid(boxes: NDArray[np.float32]) -> NDArray[np.uint16]:
    """Convert boxes to whole steps, 65,535 per page: a hundredth of a point on a poster."""
    return np.rint(boxes.astype(np.float64) * BOX_STEPS).astype(np.uint16)


def from_grid(steps: NDArray[np.uint16]) -> NDArray[np.float32]:
    """Convert steps to fractions of the page."""
    return (steps.astype(np.float64) / BOX_STEPS).astype(np.float32)


def _on_grid(boxes: NDArray[np.float32] | None) -> NDArray[np.float32] | None:
    return None if boxes is None else from_grid(to_grid(boxes))
