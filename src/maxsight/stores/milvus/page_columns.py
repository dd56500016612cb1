"""How a page lies in Milvus, its vectors apart: one row, in columns that every server since 2.3 has.

The columns that filters and listings use are plain; the words, the regions, and what does not fit of the text are
packed together (NumPy's ``npz``, compressed, in base64) and cut into ``PARTS`` columns, since a server's text column
holds 65,535 bytes. No column is ever null, which 2.3 does not know; the user's fields are keys of one JSON column,
absent where missing.
"""

from __future__ import annotations

import io
import zlib
from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pymilvus import CollectionSchema, DataType, Function, FunctionType

from maxsight.errors import InputError, LibraryDamagedError
from maxsight.stores import page_rows
from maxsight.stores.base import IndexedPage
from maxsight.stores.milvus.capabilities import Capabilities
from maxsight.stores.milvus.expressions import METADATA_COLUMN, metadata_field, metadata_key
from maxsight.stores.page_rows import Row
from maxsight.types import Floats, Scalar

TEXT_BYTES = 65_535
"""What a column of text holds."""

ID_BYTES = 512
PARTS = 8
PACKED = [f"packed_{part}" for part in range(PARTS)]
TEXT_VECTOR, NO_VECTOR = "text_vector", "no_vector"

_TEXTS = {"path": TEXT_BYTES, "file": TEXT_BYTES, "content_hash": ID_BYTES, "text_source": ID_BYTES}
_NUMBERS = (
    "page_number", "size_bytes", "modified_ns", "page_count", "vector_count", "vectors_key", "checksum",
)  # fmt: skip
_MEASURES = ("width_pt", "height_pt")
_PACKED_ARRAYS = ("word_spans", "word_boxes", "region_boxes", "region_spans")

LISTED = [*page_rows.LISTED, "vectors_key", "checksum", METADATA_COLUMN]
"""What listings need."""

WHOLE = ["page_id", *_TEXTS, *_NUMBERS, *_MEASURES, METADATA_COLUMN, "text", *PACKED]
"""All that is written."""


def add_page_columns(schema: CollectionSchema, capabilities: Capabilities) -> None:
    """Add a page's columns to the schema of a collection."""
    schema.add_field("page_id", DataType.VARCHAR, max_length=ID_BYTES, is_primary=True)
    for name, length in _TEXTS.items():
        schema.add_field(name, DataType.VARCHAR, max_length=length)
    for name in _NUMBERS:
        schema.add_field(name, DataType.INT64)
    for name in _MEASURES:
        schema.add_field(name, DataType.DOUBLE)
    schema.add_field(METADATA_COLUMN, DataType.JSON)
    analyzed = {"enable_analyzer": True} if capabilities.full_text else {}
    schema.add_field("text", DataType.VARCHAR, max_length=TEXT_BYTES, **analyzed)
    for name in PACKED:
        schema.add_field(name, DataType.VARCHAR, max_length=TEXT_BYTES)
    if capabilities.full_text:
        schema.add_field(TEXT_VECTOR, DataType.SPARSE_FLOAT_VECTOR)
        schema.add_function(Function("bm25", FunctionType.BM25, ["text"], [TEXT_VECTOR]))


def to_columns(page: IndexedPage, vectors_key: int) -> Row:
    """A page, as ``rounding.as_stored`` gives it, by column; ``vectors_key`` is as ``keys.page_key`` gives it.

    Raises:
        InputError: It is more than its columns hold.
    """
    row = page_rows.to_row(page)
    text, rest = _cut(row["text"])
    arrays = {name: row[name] for name in _PACKED_ARRAYS if row[name] is not None}
    packed = _pack(arrays | {"rest": np.frombuffer(rest, np.uint8)})
    for name, size, most in (
        ("words, regions and text", len(packed), PARTS * TEXT_BYTES),
        ("path", len(row["path"].encode()), TEXT_BYTES),
        ("page id", len(page.page_id.encode()), ID_BYTES),
        ("metadata", len(str(page.metadata).encode()), TEXT_BYTES),
    ):
        if size > most:
            raise InputError(
                f"{row['path']}, page {row['page_number']}: its {name} take {size:,} bytes; Milvus holds {most:,}",
                hint="Split the document, or keep it in a library in a folder.",
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
    """The page that its columns and its vectors hold."""
    arrays = _unpack("".join(row[name] for name in PACKED))
    text = row["text"] + arrays.pop("rest").tobytes().decode()
    given = {name: arrays.get(name) for name in _PACKED_ARRAYS}
    return page_rows.to_page(row | given | {"text": text, "vectors": vectors}, metadata_of(row))


def checksum(vectors: Floats) -> int:
    """CRC-32 of a page's float16 vectors: what comes back must be what was sent."""
    return zlib.crc32(np.ascontiguousarray(vectors).tobytes())


def damaged_vectors(row: Row) -> LibraryDamagedError:
    """What to raise where the vectors that came back do not fit the ``checksum`` of a row."""
    return LibraryDamagedError(
        f"{row['path']}, page {row['page_number']}: its vectors are not what was written",
        hint=f"Remove {row['path']} and index it again.",
    )


def to_metadata(metadata: Mapping[str, Scalar]) -> dict[str, Scalar]:
    """The user's fields as the JSON column has them."""
    return {metadata_key(name): value for name, value in metadata.items()}


def metadata_of(row: Row) -> dict[str, Scalar]:
    """The user's fields in a row."""
    return {metadata_field(key): value for key, value in row[METADATA_COLUMN].items()}


def _cut(text: str) -> tuple[str, bytes]:
    """What fits into the column of text, whole characters of it, and the rest as UTF-8."""
    encoded = text.encode()
    fitting = encoded[:TEXT_BYTES].decode(errors="ignore")
    return fitting, encoded[len(fitting.encode()) :]


def _pack(arrays: Mapping[str, NDArray[Any]]) -> str:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
    return b64encode(buffer.getvalue()).decode()


def _unpack(packed: str) -> dict[str, NDArray[Any]]:
    with np.load(io.BytesIO(b64decode(packed)), allow_pickle=False) as arrays:
        return dict(arrays)
