"""Which form another program's collection has: where its vectors, its pages and their fields are.

Two forms can be searched: one row a vector (``seq_id``, ``doc_id``, ``doc``, as in layout ``rows``), and one entity a
page with an array of structs that holds the vectors (as in layout ``embedding-list``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pymilvus import DataType

from maxsight.errors import InputError, StoreError
from maxsight.stores.fields import OWN_FIELDS, FieldType
from maxsight.stores.milvus.connection import Connection
from maxsight.stores.milvus.metrics import Metric
from maxsight.stores.milvus.vector_index import VectorIndex

ROW_COLUMNS = frozenset({"seq_id", "doc_id", "doc"})
"""What a collection with one row a vector has besides its vectors."""

NAMED_BY = ("path", "file", "doc", "doc_id", "title", "name", "url")
NUMBERED_BY = ("page_number_in_doc", "page_number", "page")
"""Columns of an entity that name its document, and its page there. The first one that is there counts."""

_VECTORS = (DataType.FLOAT_VECTOR, DataType.FLOAT16_VECTOR, DataType.BFLOAT16_VECTOR)
_TYPES = {
    DataType.VARCHAR: FieldType.TEXT,
    DataType.BOOL: FieldType.BOOLEAN,
    DataType.FLOAT: FieldType.NUMBER,
    DataType.DOUBLE: FieldType.NUMBER,
    **dict.fromkeys((DataType.INT8, DataType.INT16, DataType.INT32, DataType.INT64), FieldType.INTEGER),
}


@dataclass(frozen=True, slots=True)
class VectorField:
    """A field with vectors.

    Attributes:
        name: In searches and indexes: ``vector``, or ``patches[emb]`` in an array of structs.
        struct: The description of the array of structs; None for a plain field.
        kind: The type of the vectors.
        dim: Their dimensions.
    """

    name: str
    struct: Mapping[str, Any] | None
    kind: DataType
    dim: int


@dataclass(frozen=True, slots=True)
class ForeignForm:
    """The form of a collection.

    Attributes:
        collection: Its name.
        vectors: The vectors that are searched.
        index: Their index.
        key: The primary key.
        columns: Plain columns that filters can use, and their types.
        texts: Parts of a struct that hold text.
    """

    collection: str
    vectors: VectorField
    index: VectorIndex
    key: str
    columns: Mapping[str, FieldType]
    texts: tuple[str, ...]

    @property
    def metric(self) -> Metric:
        """How vectors are compared."""
        return Metric.read(self.index.metric, self.collection)

    @property
    def fields(self) -> dict[str, FieldType]:
        """The columns as a user's fields."""
        return {name: kind for name, kind in self.columns.items() if name not in OWN_FIELDS}


def list_vector_fields(description: Mapping[str, Any]) -> list[VectorField]:
    """List the fields of a collection that can be searched, given the server's description of it."""
    has_rows = {field["name"] for field in description.get("fields", [])} >= ROW_COLUMNS
    return [found for field in description.get("fields", []) for found in _vectors_of(field, has_rows)]


def _vectors_of(field: Mapping[str, Any], has_rows: bool) -> Iterator[VectorField]:
    for part in field.get("struct_fields") or ():
        if part["type"] in _VECTORS:
            yield VectorField(
                f"{field['name']}[{part['name']}]", field, DataType(part["type"]), int(part["params"]["dim"])
            )
    if has_rows and field["type"] in _VECTORS:
        yield VectorField(field["name"], None, DataType(field["type"]), int(field["params"]["dim"]))


def read_form(connection: Connection, description: Mapping[str, Any]) -> ForeignForm:
    """Read the form of a collection that has vectors to search.

    Raises:
        InputError: It has several fields with vectors, and the address names none of them.
        StoreError: The vectors have no index, or one of another metric.
    """
    address, collection = connection.address, description["collection_name"]
    found = {field.name: field for field in list_vector_fields(description)}
    if address.vector is None and len(found) > 1:
        raise InputError(
            f"{address}: the collection has vectors in {', '.join(found)}",
            hint=f"Say which to search: ?vector={next(iter(found))}",
        )
    chosen = found.get(address.vector or next(iter(found)))
    if chosen is None:
        raise InputError(
            f"{address} has no vectors in {address.vector!r}", hint=f"There are {', '.join(found)}."
        )
    index = VectorIndex.read(connection, collection, chosen.name)
    if index is None:
        raise StoreError(
            f"{address}: the vectors in {chosen.name} have no index",
            hint="A server searches only vectors that have one: create it as the collection's program does.",
        )
    fields = description["fields"]
    form = ForeignForm(
        collection,
        chosen,
        index,
        next(field["name"] for field in fields if field.get("is_primary")),
        {
            field["name"]: _TYPES[field["type"]]
            for field in fields
            if field["type"] in _TYPES and not (field.get("is_primary") and field.get("auto_id"))
        },
        tuple(
            part["name"]
            for part in (chosen.struct or {}).get("struct_fields", ())
            if part["type"] == DataType.VARCHAR
        ),
    )
    Metric.read(index.metric, str(address))
    return form
