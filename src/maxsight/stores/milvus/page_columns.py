"""The columns of a page in Milvus, except its vectors: one row, with columns that every server since 2.3 supports.

Columns for filters are plain, and so is the checksum, which is read with the vectors. Other fields are in one JSON
column: each column is one more that a server could refuse. Words, regions and the end of a long text are packed:
NumPy's ``npz``, compressed, in base64, cut into ``PARTS`` columns, as a server's text column has at most 65,535 bytes,
and a JSON column 65,536. No column is ever null, which 2.3 does not support. The user's fields are keys of a JSON
column of their own; a missing field has no key.
"""

from __future__ import annotations

import io
import zlib
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import unquote

import numpy as np
from numpy.typing import NDArray
from pymilvus import CollectionSchema, DataType, Function, FunctionType
from pymilvus.milvus_client.index import IndexParams

from maxsight.errors import InputError, LibraryDamagedError
from maxsight.stores import page_rows
from maxsight.stores.base import IndexedPage
from maxsight.stores.milvus.capabilities import Capabilities
from maxsight.stores.milvus.expressions import METADATA_COLUMN, name_key
from maxsight.stores.page_rows import Row
from maxsight.types import Floats, Scalar

TEXT_BYTES = 65_535
"""The most bytes in a column of text."""

ID_BYTES = 512
PARTS = 8
PACKED = [f"packed_{part}" for part in range(PARTS)]
TEXT_VECTOR, NO_VECTOR = "text_vector", "no_vector"

DETAILS = "details"
"""The JSON column with the fields that no request searches or filters by."""

_TEXTS = {"path": TEXT_BYTES, "file": TEXT_BYTES}
_NUMBERS = ("page_number", "vector_count", "vectors_key", "checksum")
_DETAILS = (
    "content_hash", "size_bytes", "modified_ns", "page_count", "text_source", "width_pt", "height_pt",
)  # fmt: skip
_PACKED_ARRAYS = ("word_spans", "word_boxes", "region_boxes", "region_spans")

LISTED = [*page_rows.LISTED, "vectors_key", "checksum", METADATA_COLUMN]
"""The columns for listings."""

WHOLE = ["page_id", *_TEXTS, *_NUMBERS, *_DETAILS, METADATA_COLUMN, "text", *PACKED]
"""All fields of a row."""


def add_page_columns(
    schema: CollectionSchema, capabilities: Capabilities, *, partition_key: str | None = None
) -> None:
    """Add a page's columns to the schema of a collection. ``partition_key`` names one that divides it."""
    schema.add_field("page_id", DataType.VARCHAR, max_length=ID_BYTES, is_primary=True)
    for name, length in _TEXTS.items():
        divides = {"is_partition_key": True} if name == partition_key else {}
        schema.add_field(name, DataType.VARCHAR, max_length=length, **divides)
    for name in _NUMBERS:
        schema.add_field(name, DataType.INT64)
    schema.add_field(DETAILS, DataType.JSON)
    schema.add_field(METADATA_COLUMN, DataType.JSON)
    analyzed = {"enable_analyzer": True} if capabilities.full_text else {}
    schema.add_field("text", DataType.VARCHAR, max_length=TEXT_BYTES, **analyzed)
    for name in PACKED:
        schema.add_field(name, DataType.VARCHAR, max_length=TEXT_BYTES)
    if capabilities.full_text:
        schema.add_field(TEXT_VECTOR, DataType.SPARSE_FLOAT_VECTOR)
        schema.add_function(Function("bm25", FunctionType.BM25, ["text"], [TEXT_VECTOR]))
    else:  # old servers refuse a collection without vectors
        schema.add_field(NO_VECTOR, DataType.FLOAT_VECTOR, dim=2)


def add_page_indexes(indexes: IndexParams, capabilities: Capabilities) -> None:
    """Add the indexes of the columns that pages are found by."""
    indexes.add_index("path", index_type=capabilities.text_index)
    indexes.add_index("vectors_key", index_type=capabilities.number_index)
    if capabilities.full_text:
        indexes.add_index(TEXT_VECTOR, index_type="SPARSE_INVERTED_INDEX", metric_type="BM25")
    else:
        indexes.add_index(NO_VECTOR, index_type="FLAT", metric_type="IP", params={})


def fold(row: Mapping[str, Any]) -> Row:
    """Convert a whole row to the columns that are written."""
    plain = {name: value for name, value in row.items() if name not in _DETAILS}
    return {**plain, DETAILS: {name: row[name] for name in _DETAILS}}


def unfold(row: Mapping[str, Any]) -> Row:
    """Convert the columns of an answer to fields."""
    plain = dict(row)
    return {**plain, **plain.pop(DETAILS, {})}


def stored_in(fields: Iterable[str]) -> list[str]:
    """Name the columns that hold some fields."""
    return list(dict.fromkeys(DETAILS if name in _DETAILS else name for name in fields))


def to_columns(page: IndexedPage, vectors_key: int) -> Row:
    """Convert a page, as ``rounding.as_stored`` returns it, to a row; ``vectors_key`` is the place of its vectors.

    Raises:
        InputError: The page is too large for its columns.
    """
    row = page_rows.to_row(page)
    text, rest = _cut(row["text"])
    arrays = {name: row[name] for name in _PACKED_ARRAYS if row[name] is not None}
    packed = _pack(arrays | {"rest": np.frombuffer(rest, np.uint8)})
    for name, size, limit in (
        ("words, regions and text", len(packed), PARTS * TEXT_BYTES),
        ("path", len(row["path"].encode()), TEXT_BYTES),
        ("page id", len(page.page_id.encode()), ID_BYTES),
        ("metadata", len(str(page.metadata).encode()), TEXT_BYTES),
    ):
        if size > limit:
            raise InputError(
                f"{row['path']}, page {row['page_number']}: its {name} take {size:,} bytes; "
                f"the limit of Milvus is {limit:,}",
                hint="Split the document, or store it in a library in a folder.",
            )
    parts = {name: packed[part * TEXT_BYTES : (part + 1) * TEXT_BYTES] for part, name in enumerate(PACKED)}
    plain = {name: row[name] for name in WHOLE if name in row}
    return (
        plain
        | parts
        | {
            "text": text,
            "vectors_key": vectors_key,
            "checksum": checksum(page.embedding.vectors),
            METADATA_COLUMN: to_metadata(page.metadata),
        }
    )


def to_page(row: Row, vectors: Floats) -> IndexedPage:
    """Convert a row and its vectors to a page."""
    arrays = _unpack("".join(row[name] for name in PACKED))
    text = row["text"] + arrays.pop("rest").tobytes().decode()
    given = {name: arrays.get(name) for name in _PACKED_ARRAYS}
    return page_rows.to_page(row | given | {"text": text, "vectors": vectors}, read_metadata(row))


def checksum(vectors: Floats) -> int:
    """Compute the CRC-32 of a page's float16 vectors, to compare what was read with what was written."""
    return zlib.crc32(np.ascontiguousarray(vectors).tobytes())


def make_damage_error(row: Row) -> LibraryDamagedError:
    """Make the error for vectors that differ from the ``checksum`` of their row."""
    return LibraryDamagedError(
        f"{row['path']}, page {row['page_number']}: its vectors are not what was written",
        hint=f"Remove {row['path']} and index it again.",
    )


def to_metadata(metadata: Mapping[str, Scalar]) -> dict[str, Scalar]:
    """Convert the user's fields to the JSON column."""
    return {name_key(name): value for name, value in metadata.items()}


def read_metadata(row: Row) -> dict[str, Scalar]:
    """Return the user's fields in a row."""
    return {unquote(key): value for key, value in row[METADATA_COLUMN].items()}


def _cut(text: str) -> tuple[str, bytes]:
    """Cut text into the whole characters that fit into its column, and the rest as UTF-8."""
    encoded = text.encode()
    first = encoded[:TEXT_BYTES].decode(errors="ignore")
    return first, encoded[len(first.encode()) :]


def _pack(arrays: Mapping[str, NDArray[Any]]) -> str:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
    return b64encode(buffer.getvalue()).decode()


def _unpack(packed: str) -> dict[str, NDArray[Any]]:
    with np.load(io.BytesIO(b64decode(packed)), allow_pickle=False) as arrays:
        return dict(arrays)
