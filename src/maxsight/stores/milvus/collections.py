"""Collections: described and created, and checked then, since old servers silently drop what they don't know."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pymilvus import CollectionSchema
from pymilvus.milvus_client.index import IndexParams

from maxsight.errors import StoreError
from maxsight.stores.milvus.connection import Connection

LAYOUT = "maxsight.layout"
"""The property that marks a collection of maxsight."""


def describe(connection: Connection, collection: str) -> dict[str, Any]:
    """Describe a collection; empty if it does not exist."""
    if not connection.call("has_collection", collection):
        return {}
    found: dict[str, Any] = connection.call("describe_collection", collection)
    return found


def properties_of(description: Mapping[str, Any]) -> dict[str, str]:
    """Return the properties in a collection's description."""
    return dict(description.get("properties") or {})


def create_collection(
    connection: Connection,
    name: str,
    schema: CollectionSchema,
    indexes: IndexParams,
    properties: Mapping[str, str],
) -> None:
    """Create a collection, check that it has all its columns, and load it.

    Raises:
        StoreError: The server dropped columns.
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
        created = {field["name"] for field in describe(connection, name)["fields"]}
        if lost := sorted(asked - created):
            raise StoreError(f"{connection.capabilities} dropped columns of a new collection: {lost}")
        connection.call("create_index", name, indexes)
        connection.call("load_collection", name)
    except BaseException:
        connection.call("drop_collection", name)
        raise
