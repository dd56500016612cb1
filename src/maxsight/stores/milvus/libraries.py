"""Libraries in Milvus: opened in the layout they have, and made as the collections of a layout.

``NAME`` is the collection of an address. In layout ``embedding-list`` it has the pages; in layout ``rows`` it has the
vectors, and ``NAME_pages`` has the pages. The collection that has the pages also has the manifest, and is created last.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pymilvus import CollectionSchema, DataType, MilvusClient
from pymilvus.milvus_client.index import IndexParams

from maxsight.errors import (
    InputError,
    LibraryDamagedError,
    LibraryExistsError,
    LibraryNotFoundError,
    StoreError,
    StoreUnavailableError,
)
from maxsight.stores.addresses import Layout, MilvusAddress
from maxsight.stores.manifest import Manifest
from maxsight.stores.milvus.connection import Connection
from maxsight.stores.milvus.embedding_list import EmbeddingListStore
from maxsight.stores.milvus.foreign import ForeignStore
from maxsight.stores.milvus.foreign_form import list_vector_fields, read_form
from maxsight.stores.milvus.foreign_lists import ForeignLists
from maxsight.stores.milvus.foreign_rows import ForeignRows
from maxsight.stores.milvus.page_columns import ID_BYTES, TEXT_BYTES, add_page_columns, add_page_indexes
from maxsight.stores.milvus.patches import METRIC, VECTORS, add_patches
from maxsight.stores.milvus.properties import MANIFEST, read_properties
from maxsight.stores.milvus.rows import PAGES_SUFFIX, RowsStore
from maxsight.stores.milvus.store import MilvusStore
from maxsight.stores.milvus.vector_index import ask_for_index

LAYOUT = "maxsight.layout"
"""The property that marks a collection of maxsight."""


def open_milvus_store(address: MilvusAddress, *, read_only: bool = False) -> MilvusStore | ForeignStore:
    """Open a library, or another program's collection of vectors.

    Raises:
        LibraryNotFoundError: The collection does not exist.
        StoreUnavailableError: The server does not answer, or refuses the token.
        LibraryBusyError: Another process has the Milvus Lite database open.
        StoreError: The collection of this name has another form.
    """
    connection = Connection.open(address)
    try:
        return _open(connection, read_only)
    except BaseException:
        connection.close()
        raise


def milvus_library_exists(address: MilvusAddress) -> bool:
    """Look for a library, or another program's collection that can be opened like one."""
    if address.lite_path is not None and not address.lite_path.exists():
        return False
    connection = Connection.open(address)
    try:
        found = _describe(connection)
        return _find_layout(found) is not None or bool(list_vector_fields(found[address.collection]))
    finally:
        connection.close()


def _open(connection: Connection, read_only: bool) -> MilvusStore | ForeignStore:
    address = connection.address
    both = _describe(connection)
    _check_whole(connection, both)
    layout, found = _find_layout(both), both[address.collection]
    if layout is not None and address.layout not in (None, layout):
        raise StoreError(f"the library at {address} has layout {layout}, not {address.layout}")
    if layout is None and not list_vector_fields(found):
        raise _refusal(address, found)
    form = None if layout else read_form(connection, found)
    connection.load(address.collection)
    match layout:
        case Layout.ROWS:
            connection.load(address.collection + PAGES_SUFFIX)
            return RowsStore(connection, read_only=read_only)
        case Layout.EMBEDDING_LIST:
            return EmbeddingListStore(connection, read_only=read_only)
    assert form is not None
    return ForeignRows(connection, form) if form.vectors.struct is None else ForeignLists(connection, form)


def _describe(connection: Connection) -> dict[str, dict[str, Any]]:
    """Describe the two collections that a library may have. They are empty if they do not exist."""
    name = connection.address.collection
    return {each: connection.describe(each) for each in (name, name + PAGES_SUFFIX)}


def _find_layout(found: Mapping[str, Mapping[str, Any]]) -> Layout | None:
    """Find the layout of the library in the collections of an address; None if there is no library."""
    rows, pages = found.values()
    if MANIFEST in read_properties(pages):
        return Layout.ROWS
    return Layout.EMBEDDING_LIST if MANIFEST in read_properties(rows) else None


def _refusal(address: MilvusAddress, found: Mapping[str, Any]) -> StoreError:
    if found:
        return StoreError(
            f"{address}: the collection {address.collection!r} is another program's",
            hint="A collection can be searched if it has float vectors in an array of structs, or in rows with seq_id, "
            "doc_id and doc. Choose another: ?collection=NAME",
        )
    return LibraryNotFoundError(
        f"there is no library at {address}",
        hint="Make one with `maxsight index`, or Library.create in Python.",
    )


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
    found = _describe(connection)
    _check_whole(connection, found)
    if any(MANIFEST in read_properties(description) for description in found.values()):
        raise LibraryExistsError(
            f"there is already a library at {connection.address}",
            hint="Open it, or choose another name: ?collection=NAME",
        )
    for each, description in found.items():
        if description and LAYOUT not in read_properties(description):
            raise LibraryExistsError(
                f"{connection.address}: the collection {each!r} is another program's",
                hint="Choose another name: ?collection=NAME. A library uses NAME and NAME_pages.",
            )
        if description:
            connection.call("drop_collection", each)


def _check_whole(connection: Connection, found: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuse the pages of a library whose vectors are gone."""
    name = connection.address.collection
    left = name + PAGES_SUFFIX
    if MANIFEST in read_properties(found[left]) and not found[name]:
        raise LibraryDamagedError(
            f"{connection.address}: the collection {left!r} is left over: {name!r}, with its vectors, is gone",
            hint=f"Drop it (MilvusClient(...).drop_collection({left!r})) and index again, or choose another name: "
            "?collection=NAME",
        )


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
    schema, indexes = _page_schema(connection, partition_key=address.partition_key)
    add_patches(schema, manifest.space.dim)
    index = ask_for_index(address, "AUTOINDEX")
    if address.strategy is not None:
        index["params"]["emb_list_strategy"] = address.strategy
    indexes.add_index(VECTORS, metric_type=METRIC, **index)
    _create_collection(connection, address.collection, schema, indexes, {MANIFEST: manifest.to_json()})


def _create_rows(connection: Connection, manifest: Manifest) -> None:
    address, layout = connection.address, {LAYOUT: str(Layout.ROWS)}
    if address.partition_key is not None:
        raise InputError(
            "partition_key is for the layout embedding-list: in layout rows, vectors have no fields to filter by"
        )
    schema = _empty_schema()
    schema.add_field("pk", DataType.INT64, is_primary=True)
    schema.add_field("vector", DataType.FLOAT_VECTOR, dim=manifest.space.dim)
    schema.add_field("seq_id", DataType.INT16)
    schema.add_field("doc_id", DataType.VARCHAR, max_length=ID_BYTES)
    schema.add_field("doc", DataType.VARCHAR, max_length=TEXT_BYTES)
    indexes = IndexParams()
    indexes.add_index("vector", metric_type="IP", **ask_for_index(address, "HNSW"))
    indexes.add_index("doc_id", index_type=connection.capabilities.text_index)
    _create_collection(connection, address.collection, schema, indexes, layout)
    # Last: its manifest makes the two collections a library.
    library = layout | {MANIFEST: manifest.to_json()}
    _create_collection(connection, address.collection + PAGES_SUFFIX, *_page_schema(connection), library)


def _page_schema(
    connection: Connection, *, partition_key: str | None = None
) -> tuple[CollectionSchema, IndexParams]:
    schema, indexes = _empty_schema(), IndexParams()
    add_page_columns(schema, connection.capabilities, partition_key=partition_key)
    add_page_indexes(indexes, connection.capabilities)
    return schema, indexes


def _empty_schema() -> CollectionSchema:
    return MilvusClient.create_schema(auto_id=False, enable_dynamic_field=False)


def _create_collection(
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
    address = connection.address
    mapped = {} if address.mmap is None else {"mmap.enabled": str(address.mmap).lower()}
    if mapped and not connection.capabilities.maps_files:
        raise InputError(f"{connection.capabilities} has no option mmap", hint="It needs Milvus 2.4.")
    sharded = {} if address.shards is None else {"num_shards": address.shards}
    connection.call(
        "create_collection",
        name,
        schema=schema,
        consistency_level="Session",
        properties={**properties, **mapped},
        **sharded,
    )
    try:
        created = {field["name"] for field in connection.describe(name)["fields"]}
        if lost := sorted(asked - created):
            raise StoreError(f"{connection.capabilities} dropped columns of a new collection: {lost}")
        _create_indexes(connection, name, indexes)
        connection.load(name)
    except BaseException:
        connection.call("drop_collection", name)
        raise


def _create_indexes(connection: Connection, name: str, indexes: IndexParams) -> None:
    """Create the indexes of a collection.

    Raises:
        InputError: The server refuses the index that the address asks for.
    """
    try:
        connection.call("create_index", name, indexes)
    except StoreUnavailableError:
        raise
    except StoreError as error:
        if connection.address.index is None:
            raise
        raise InputError(
            f"{connection.capabilities} refuses the index {connection.address.index}: {error}",
            hint="Leave `index` out for the default. docs/milvus.md lists which server has which.",
        ) from error
