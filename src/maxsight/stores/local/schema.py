"""The columns of the dataset and its metadata. Other Arrow tools can read both.

Each metadata field has a column of its own (``lance_sql.name_column``), added when the field is first seen. The
manifest, the mean of the vectors and the last audit lie in the schema's metadata, which Lance commits with the table.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from maxsight.errors import LibraryDamagedError
from maxsight.stores.audit import Audit
from maxsight.stores.fields import FieldType
from maxsight.stores.lance_sql import name_column, name_field
from maxsight.stores.manifest import Manifest
from maxsight.types import Floats

MANIFEST_KEY, MEAN_KEY, AUDIT_KEY = "maxsight", "maxsight-mean", "maxsight-audit"
PAGES_AT_ZERO = 8
"""Shrinks the library's mean: as if this many extra pages lay at zero."""
BOXES = pa.struct({name: pa.list_(pa.uint16()) for name in ("x", "y", "width", "height")})
SPANS = pa.struct({name: pa.list_(pa.int32()) for name in ("start", "length")})

_PRIMARY_KEY = {"lance-schema:unenforced-primary-key": "true"}
_ZSTD = {"lance-encoding:compression": "zstd"}
_UNCOMPRESSED = {"lance-encoding:compression": "none", "lance-encoding:structural-encoding": "fullzip"}
"""One value after the other, so that ``mapping`` can use the file as it is."""

CODE_COLUMNS = [
    pa.field("pooled_signs", pa.large_binary(), metadata=_UNCOMPRESSED),
    pa.field("four_bit_codes", pa.large_binary(), metadata=_UNCOMPRESSED),
    pa.field("code_version", pa.int32()),
    pa.field("code_checksum", pa.uint32()),
]

METADATA_TYPES = {
    FieldType.TEXT: pa.string(),
    FieldType.INTEGER: pa.int64(),
    FieldType.NUMBER: pa.float64(),
    FieldType.BOOLEAN: pa.bool_(),
}
"""The column type of each type of field."""


def dataset_schema(manifest: Manifest) -> pa.Schema:
    """Return the columns of a new library, with its manifest."""
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
            pa.field(name, kind, nullable=False, metadata=_UNCOMPRESSED if name == "vectors" else None)
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
    """Read the manifest from a schema.

    Raises:
        FormatError: Another version of maxsight wrote it, with another format.
        LibraryDamagedError: The manifest is missing or damaged.
    """
    text = _schema_value(schema, MANIFEST_KEY)
    if text is None:
        raise LibraryDamagedError(
            f"{where} is a Lance dataset without a maxsight manifest",
            hint="Another program may have made it. Choose another folder.",
        )
    return Manifest.from_json(text, where=where)


def mean_of(schema: pa.Schema) -> Floats | None:
    """Read the mean of the library's vectors. Shape ``(dim,)``; None in a library that never had a vector."""
    text = _schema_value(schema, MEAN_KEY)
    return None if text is None else np.frombuffer(b64decode(text), "<f4")


def mean_text(vectors: Sequence[Floats]) -> str:
    """Return the mean of some pages' vectors, as text to store.

    It is the mean of the pages' means, shrunk towards zero by ``PAGES_AT_ZERO``: a single page, which may be blank or
    have one vector, says little about where other pages lie.
    """
    means = [page.mean(axis=0, dtype=np.float64) for page in vectors if len(page)]
    mean = np.asarray(sum(means) / (len(means) + PAGES_AT_ZERO)).astype("<f4")
    return b64encode(mean.tobytes()).decode()


def audit_of(schema: pa.Schema) -> Audit | None:
    """Read the last audit; None if there was none."""
    text = _schema_value(schema, AUDIT_KEY)
    return None if text is None else Audit.from_json(text)


def fields_of(schema: pa.Schema) -> dict[str, FieldType]:
    """Return the metadata fields among a dataset's columns."""
    kinds = {arrow: kind for kind, arrow in METADATA_TYPES.items()}
    named = ((name_field(column.name), column.type) for column in schema)
    return {name: kinds[arrow] for name, arrow in named if name is not None}


def metadata_columns(fields: Mapping[str, FieldType]) -> list[pa.Field]:
    """Return the columns of metadata fields."""
    return [pa.field(name_column(name), METADATA_TYPES[kind]) for name, kind in fields.items()]


def page_columns(schema: pa.Schema) -> list[str]:
    """Return the columns that ``page_rows.to_page`` needs, except vectors, which searches read from mapped files."""
    left_out = {
        "vectors",
        "vector_count",
        "file",
        "checksum",
        "metadata_checksum",
        *(column.name for column in CODE_COLUMNS),
    }
    return [name for name in schema.names if name not in left_out]


def _schema_value(schema: pa.Schema, key: str) -> str | None:
    value = (schema.metadata or {}).get(key.encode())
    return None if value is None else value.decode("utf-8", "replace")
