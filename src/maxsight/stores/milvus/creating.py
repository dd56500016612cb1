"""Making libraries in Milvus: the collections of each layout."""

from __future__ import annotations

from typing import Any

from pymilvus import CollectionSchema, DataType, MilvusClient
from pymilvus.milvus_client.index import IndexParams

from maxsight.errors import InputError, LibraryExistsError, StoreError
from maxsight.stores.addresses import Layout, MilvusAddress
from maxsight.stores.manifest import Manifest
from maxsight.stores.milvus.collections import LAYOUT, create_collection, describe, properties_of
from maxsight.stores.milvus.connection import Connection
from maxsight.stores.milvus.embedding_list import EmbeddingListStore
from maxsight.stores.milvus.page_columns import ID_BYTES, TEXT_BYTES, add_page_columns, add_page_indexes
from maxsight.stores.milvus.patches import METRIC, VECTORS, add_patches
from maxsight.stores.milvus.properties import MANIFEST
from maxsight.stores.milvus.rows import PAGES_SUFFIX, RowsStore
from maxsight.stores.milvus.store import MilvusStore


def create_milvus_store(address: MilvusAddress, manifest: Manifest) -> MilvusStore:
    """Make a new, empty library.

    Raises:
        LibraryExistsError: A library, or another program's collection, has this name.
        StoreUnavailableError: The server does not answer, or refuses the token.
        InputError: The server has no such index.
        StoreError: The server does not support the layout.
    """
    connection = Connection.open(address)
    try:
        _check_vacant(connection)
        if _choose_layout(connection) is Layout.EMBEDDING_LIST:
            _create_embedding_lists(connection, manifest)
            return EmbeddingListStore(connection)
        _create_rows(connection, manifest)
        return RowsStore(connection)
    except BaseException:
        connection.close()
        raise


def _check_vacant(connection: Connection) -> None:
    """Refuse a name that is taken. Drop the rest of a library whose making was interrupted."""
    name = connection.address.collection
    found = {each: describe(connection, each) for each in (name, name + PAGES_SUFFIX)}
    if any(MANIFEST in properties_of(description) for description in found.values()):
        raise LibraryExistsError(
            f"there is already a library at {connection.address}",
            hint="Open it, or choose another name: ?collection=NAME",
        )
    for each, description in found.items():
        if description and LAYOUT not in properties_of(description):
            raise LibraryExistsError(
                f"{connection.address}: the collection {each!r} is another program's",
                hint="Choose another name: ?collection=NAME",
            )
        if description:
            connection.call("drop_collection", each)


def _choose_layout(connection: Connection) -> Layout:
    can = connection.capabilities
    layout = connection.address.layout or (Layout.EMBEDDING_LIST if can.embedding_lists else Layout.ROWS)
    if layout is Layout.EMBEDDING_LIST and not can.embedding_lists:
        raise StoreError(
            f"{can} does not support embedding lists", hint="They need Milvus 2.6.4; use ?layout=rows"
        )
    return layout


def _create_embedding_lists(connection: Connection, manifest: Manifest) -> None:
    address, can = connection.address, connection.capabilities
    if address.strategy is not None and not can.strategies:
        raise InputError(
            f"{can} has one strategy for embedding lists", hint="Leave `strategy` out; 3.0 has three."
        )
    schema, indexes = _page_schema(connection)
    add_patches(schema, manifest.space.dim)
    params = {} if address.strategy is None else {"emb_list_strategy": address.strategy}
    if address.index == "HNSW":
        params |= _hnsw_params(address)
    indexes.add_index(VECTORS, index_type=address.index or "AUTOINDEX", metric_type=METRIC, params=params)
    create_collection(connection, address.collection, schema, indexes, {MANIFEST: manifest.to_json()})


def _create_rows(connection: Connection, manifest: Manifest) -> None:
    address, layout = connection.address, {LAYOUT: str(Layout.ROWS)}
    schema = _empty_schema()
    schema.add_field("pk", DataType.INT64, is_primary=True)
    schema.add_field("vector", DataType.FLOAT_VECTOR, dim=manifest.space.dim)
    schema.add_field("seq_id", DataType.INT16)
    schema.add_field("doc_id", DataType.VARCHAR, max_length=ID_BYTES)
    schema.add_field("doc", DataType.VARCHAR, max_length=TEXT_BYTES)
    kind = address.index or "HNSW"
    params = _hnsw_params(address) if kind.startswith("HNSW") else {}
    indexes = IndexParams()
    indexes.add_index("vector", index_type=kind, metric_type="IP", params=params)
    indexes.add_index("doc_id", index_type=connection.capabilities.text_index)
    create_collection(connection, address.collection, schema, indexes, layout)
    # Last: its manifest makes the two collections a library.
    library = layout | {MANIFEST: manifest.to_json()}
    create_collection(connection, address.collection + PAGES_SUFFIX, *_page_schema(connection), library)


def _page_schema(connection: Connection) -> tuple[CollectionSchema, IndexParams]:
    schema, indexes = _empty_schema(), IndexParams()
    add_page_columns(schema, connection.capabilities)
    add_page_indexes(indexes, connection.capabilities)
    return schema, indexes


def _empty_schema() -> CollectionSchema:
    return MilvusClient.create_schema(auto_id=False, enable_dynamic_field=False)


def _hnsw_params(address: MilvusAddress) -> dict[str, Any]:
    return {"M": address.m, "efConstruction": address.ef_construction}
