"""Collections as a server makes them: looked at afterwards, since old servers leave out what they don't know."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pymilvus import CollectionSchema
from pymilvus.milvus_client.index import IndexParams

from maxsight.errors import StoreError
from maxsight.stores.milvus.connection import Connection

LAYOUT = "maxsight.layout"
"""The property that tells our collections from another program's."""


def described(connection: Connection, collection: str) -> dict[str, Any]:
    """What a server says of a collection; nothing if it is not there."""
    if not connection.call("has_collection", collection):
        return {}
    found: dict[str, Any] = connection.call("describe_collection", collection)
    return found


def page_indexes(connection: Connection) -> IndexParams:
    """Indexes of the columns that pages are looked up by."""
    indexes = IndexParams()
    indexes.add_index("path", index_type=connection.capabilities.text_index)
    indexes.add_index("vectors_key", index_type=connection.capabilities.number_index)
    return indexes


def create_collection(
    connection: Connection,
    name: str,
    schema: CollectionSchema,
    indexes: IndexParams,
    properties: Mapping[str, str],
) -> None:
    """Create a collection, check that the server has kept all of it, and load it.

    Raises:
        StoreError: The server has left columns out without a word, as old ones do with those they don't know.
    """
    asked = {field.name for field in (*schema.fields, *schema.struct_fields)}
    connection.call(
        "create_collection",
        name,
        schema=schema,
        consistency_level="Session",
        properties=dict(properties),
    )
    try:
        kept = {field["name"] for field in described(connection, name)["fields"]}
        if lost := sorted(asked - kept):
            raise StoreError(f"{connection.capabilities} has left out columns of a new collection: {lost}")
        connection.call("create_index", name, indexes)
        connection.call("load_collection", name)
    except BaseException:
        connection.call("drop_collection", name)
        raise
