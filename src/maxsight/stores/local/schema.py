"""How pages lie in the dataset: one row a page, in columns that other Arrow readers understand too.

Boxes are whole steps of 1/65,535 of the page, as ``x, y, width, height``; spans are ``start, length`` in
characters. Written so, neighbours are alike, and Lance packs four coordinates into about four bytes.

The user's fields lie in columns of their own (``conditions.metadata_column``), added when first seen.
"""

from __future__ import annotations

import zlib
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from maxsight.errors import LibraryDamagedError
from maxsight.stores import page_rows
from maxsight.stores.audit import Audit
from maxsight.stores.base import Codec, IndexedPage
from maxsight.stores.conditions import metadata_column, metadata_field
from maxsight.stores.fields import FieldType
from maxsight.stores.manifest import Manifest
from maxsight.stores.page_rows import Row, metadata_checksum
from maxsight.types import Floats, Scalar

MANIFEST_KEY = b"maxsight"
MEAN_KEY = b"maxsight-mean"
AUDIT_KEY = b"maxsight-audit"
PAGES_AT_ZERO = 8
"""Shrinks the library's mean: as if this many extra pages lay at zero."""
NO_AUDIT: dict[str, str | None] = {AUDIT_KEY.decode(): None}
BOXES = pa.struct({name: pa.list_(pa.uint16()) for name in ("x", "y", "width", "height")})
SPANS = pa.struct({name: pa.list_(pa.int32()) for name in ("start", "length")})
_AS_IT_IS = {"lance-encoding:compression": "none", "lance-encoding:structural-encoding": "fullzip"}
"""One row after the other, so that ``mapping`` finds them."""

CODE_COLUMNS = [
    pa.field("pooled_signs", pa.large_binary(), metadata=_AS_IT_IS),
    pa.field("four_bit_codes", pa.large_binary(), metadata=_AS_IT_IS),
    pa.field("code_version", pa.int32()),
    pa.field("code_checksum", pa.uint32()),
]

METADATA_TYPES = {
    FieldType.TEXT: pa.string(),
    FieldType.INTEGER: pa.int64(),
    FieldType.NUMBER: pa.float64(),
    FieldType.BOOLEAN: pa.bool_(),
}
"""What the user's fields lie in."""

_PRIMARY_KEY = {"lance-schema:unenforced-primary-key": "true"}
_ZSTD = {"lance-encoding:compression": "zstd"}


def dataset_schema(manifest: Manifest) -> pa.Schema:
    """The columns of a new library, with its manifest beside them."""
    vectors = pa.list_(pa.list_(pa.float16(), manifest.space.dim))
    required = {
        "path": pa.string(),
        "file": pa.string(),
        "page_number": pa.int32(),
        "content_hash": pa.string(),
        "size_bytes": pa.int64(),
        "modified_ns": pa.int64(),
        "page_count": pa.int32(),
        "text_source": pa.string(),
        "width_pt": pa.float64(),
        "height_pt": pa.float64(),
        "word_spans": SPANS,
        "vector_count": pa.int32(),
        "vectors": vectors,
        "checksum": pa.uint32(),
        "metadata_checksum": pa.uint32(),
    }
    fields = [
        pa.field("page_id", pa.string(), nullable=False, metadata=_PRIMARY_KEY),
        *(
            pa.field(name, kind, nullable=False, metadata=_AS_IT_IS if name == "vectors" else None)
            for name, kind in required.items()
        ),
        pa.field("text", pa.string(), nullable=False, metadata=_ZSTD),
        pa.field("word_boxes", BOXES),
        pa.field("region_boxes", BOXES),
        pa.field("region_spans", SPANS),
        *CODE_COLUMNS,
    ]
    return pa.schema(fields, metadata={MANIFEST_KEY: manifest.to_json()})


def manifest_of(schema: pa.Schema, where: str) -> Manifest:
    """The manifest beside a dataset's columns.

    Raises:
        FormatError: It was written by a newer version.
        LibraryDamagedError: There is none, or it is damaged.
    """
    text = (schema.metadata or {}).get(MANIFEST_KEY)
    if text is None:
        raise LibraryDamagedError(
            f"{where} is a Lance dataset without a maxsight manifest", hint="Is it another program's?"
        )
    return Manifest.from_json(text.decode("utf-8", "replace"), where=where)


def manifest_entry(manifest: Manifest) -> dict[str, str | None]:
    """A manifest, as it is kept beside the columns."""
    return {MANIFEST_KEY.decode(): manifest.to_json()}


def fields_of(schema: pa.Schema) -> dict[str, FieldType]:
    """The user's fields among a dataset's columns."""
    kinds = {arrow: kind for kind, arrow in METADATA_TYPES.items()}
    named = ((metadata_field(column.name), column.type) for column in schema)
    return {name: kinds[arrow] for name, arrow in named if name is not None}


def metadata_columns(fields: Mapping[str, FieldType]) -> list[pa.Field]:
    """The columns the user's fields lie in."""
    return [pa.field(metadata_column(name), METADATA_TYPES[kind]) for name, kind in fields.items()]


def mean_of(schema: pa.Schema) -> Floats | None:
    """What the vectors of a library lie around, ``(dim,)``; None while it has none."""
    text = (schema.metadata or {}).get(MEAN_KEY)
    return None if text is None else np.frombuffer(b64decode(text), "<f4")


def mean_entry(vectors: Sequence[Floats]) -> dict[str, str | None]:
    """The mean of some pages' vectors, as it is kept beside the columns.

    It is the mean of what each page lies around, drawn to zero as by some pages more that lie there: one page alone,
    which may be blank or have a single vector, says little of where others lie.
    """
    means = [page.mean(axis=0, dtype=np.float64) for page in vectors if len(page)]
    mean = np.asarray(sum(means) / (len(means) + PAGES_AT_ZERO)).astype("<f4")
    return {MEAN_KEY.decode(): b64encode(mean.tobytes()).decode()}


def audit_of(schema: pa.Schema) -> Audit | None:
    """What was measured of the search of a library; None if nothing was."""
    text = (schema.metadata or {}).get(AUDIT_KEY)
    return None if text is None else Audit.from_json(text.decode("utf-8", "replace"))


def audit_entry(audit: Audit) -> dict[str, str | None]:
    """An audit, as it is kept beside the columns."""
    return {AUDIT_KEY.decode(): audit.to_json()}


def to_row(page: IndexedPage, codec: Codec) -> Row:
    """Return a page, as ``rounding.as_stored`` gives it, by column."""
    return page_rows.to_row(page) | code_row(codec, page.embedding.vectors) | metadata_row(page.metadata)


def metadata_row(metadata: Mapping[str, Scalar]) -> Row:
    """The user's fields of a document, by column."""
    columns = {metadata_column(name): value for name, value in metadata.items()}
    return columns | {"metadata_checksum": metadata_checksum(metadata)}


def metadata_of(row: Row) -> dict[str, Scalar]:
    """The user's fields in a row."""
    named = ((metadata_field(column), value) for column, value in row.items())
    return {name: value for name, value in named if name is not None and value is not None}


FORMER_CODE_COLUMNS = ("code_lo", "code_hi", "signs", "fine_codes", "code_version")
"""Of formats 2 and 3, some of them under names that are still in use."""

CODES = frozenset({*FORMER_CODE_COLUMNS, *(column.name for column in CODE_COLUMNS)})
NOT_IN_PAGES = CODES | {"vectors", "vector_count", "file", "checksum", "metadata_checksum"}
"""What a page is read without: searches have it where it lies, or it follows from the rest."""


def to_table(rows: Sequence[Row], schema: pa.Schema) -> pa.Table:
    """Rows as a table of the given columns; what a row lacks is missing there."""
    arrays = [_to_array([row.get(column.name) for row in rows], column.type) for column in schema]
    return pa.Table.from_arrays(arrays, schema=schema)


def from_batch(batch: pa.RecordBatch) -> Iterator[Row]:
    """The rows of a batch."""
    columns = [_from_array(batch.column(index)) for index in range(batch.num_columns)]
    for values in zip(*columns, strict=True):
        yield dict(zip(batch.schema.names, values, strict=True))


def _packed_values(column: pa.ListArray) -> tuple[NDArray[Any], NDArray[np.int64]]:
    offsets = np.asarray(column.offsets).astype(np.int64)
    values = np.asarray(column.values)[offsets[0] : offsets[-1]]
    return values, offsets - offsets[0]


def code_row(codec: Codec, vectors: Floats) -> Row:
    """The codes of a page's vectors, by column."""
    page = codec.encode(vectors)
    codes = {"pooled_signs": page.signs, "four_bit_codes": page.four_bit, "code_version": codec.version}
    return codes | {"code_checksum": code_checksum(codes)}


def code_checksum(codes: Row) -> int:
    """CRC-32 of the codes of a page."""
    total = codes["code_version"] or 0
    for name in ("pooled_signs", "four_bit_codes"):
        total = zlib.crc32(b"" if codes[name] is None else codes[name], total)
    return total


def _packed_vectors(column: pa.ListArray) -> tuple[NDArray[np.float16], NDArray[np.int64]]:
    offsets = np.asarray(column.offsets).astype(np.int64)
    dim = column.type.value_type.list_size
    flat = np.asarray(column.values.values)[column.values.offset * dim :].reshape(-1, dim)
    return flat[offsets[0] : offsets[-1]], offsets - offsets[0]


def _to_array(values: list[Any], kind: pa.DataType) -> pa.Array:
    if pa.types.is_struct(kind):  # boxes and spans: one list for each coordinate
        missing = pa.array([value is None for value in values])
        rows = [np.empty((0, kind.num_fields)) if value is None else value for value in values]
        lists = [
            _list_array([row[:, axis] for row in rows], kind[axis].type) for axis in range(kind.num_fields)
        ]
        return pa.StructArray.from_arrays(lists, fields=list(kind), mask=missing)
    if pa.types.is_list(kind):
        return _list_array(values, kind)
    if pa.types.is_large_binary(kind):
        values = [None if value is None else value.tobytes() for value in values]
    return pa.array(values, kind)


def _list_array(rows: Sequence[NDArray[Any]], kind: pa.ListType) -> pa.ListArray:
    offsets = np.cumsum([0, *map(len, rows)], dtype=np.int32)
    flat = np.concatenate(rows) if rows else np.empty(0)
    if pa.types.is_fixed_size_list(kind.value_type):
        coordinates = pa.array(flat.reshape(-1), kind.value_type.value_type)
        values = pa.FixedSizeListArray.from_arrays(coordinates, type=kind.value_type)
    else:
        values = pa.array(flat.astype(kind.value_type.to_pandas_dtype()), kind.value_type)
    return pa.ListArray.from_arrays(offsets, values, type=kind)


def _from_array(column: pa.Array) -> list[Any]:
    kind = column.type
    if pa.types.is_struct(kind):
        lists = [_split(child) for child in column.flatten()]
        rows: list[Any] = [np.stack(axes, axis=1) for axes in zip(*lists, strict=True)]
        return [
            row if valid else None for row, valid in zip(rows, column.is_valid().to_pylist(), strict=True)
        ]
    if pa.types.is_list(kind):
        return _split(column)
    values: list[Any] = column.to_pylist()
    if pa.types.is_large_binary(kind):
        return [None if value is None else np.frombuffer(value, np.uint8) for value in values]
    return values


def _split(column: pa.ListArray) -> list[NDArray[Any]]:
    nested = pa.types.is_fixed_size_list(column.type.value_type)
    flat, offsets = _packed_vectors(column) if nested else _packed_values(column)
    return [flat[start:end] for start, end in pairwise(offsets)]
