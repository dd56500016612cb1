"""Making and opening libraries in Milvus: which layout, and whether what is there is ours."""

from __future__ import annotations

from pymilvus import CollectionSchema, DataType, MilvusClient
from pymilvus.milvus_client.index import IndexParams

from maxsight.errors import LibraryExistsError, LibraryNotFoundError, StoreError
from maxsight.stores.addresses import Layout, MilvusAddress
from maxsight.stores.manifest import Manifest
from maxsight.stores.milvus import embedding_list
from maxsight.stores.milvus.collections import LAYOUT, create_collection, described, page_indexes
from maxsight.stores.milvus.connection import Connection
from maxsight.stores.milvus.foreign import ForeignRows, is_foreign_rows
from maxsight.stores.milvus.page_columns import (
    ID_BYTES,
    NO_VECTOR,
    TEXT_BYTES,
    TEXT_VECTOR,
    add_page_columns,
)
from maxsight.stores.milvus.pages import MANIFEST, PageRows
from maxsight.stores.milvus.rows import RowsStore
from maxsight.stores.milvus.store import MilvusStore

PAGES_SUFFIX = "_pages"
LITE_REASON = ": for trying things out, as a search looks at every row (100,000 rows: 12 s of CPU time)"


def create_milvus_store(address: MilvusAddress, manifest: Manifest) -> MilvusStore:
    """Make a new, empty library.

    Raises:
        LibraryExistsError: There is one, or a collection of another program, under this name.
        StoreUnavailableError: The server does not answer, or refuses the token.
        StoreError: It can't hold the layout.
    """
    connection = Connection.open(address)
    try:
        _check_vacant(connection)
        if _layout(connection) is Layout.EMBEDDING_LIST:
            return embedding_list.create(connection, manifest)
        return _create_rows(connection, manifest)
    except BaseException:
        connection.close()
        raise


def open_milvus_store(address: MilvusAddress, *, read_only: bool = False) -> MilvusStore | ForeignRows:
    """Open a library, or a collection of vectors that another program has made in the form of layout ``rows``.

    Raises:
        LibraryNotFoundError: There is none.
        StoreUnavailableError: The server does not answer, or refuses the token.
        LibraryBusyError: Another process has the Milvus Lite database open.
        StoreError: Something else lies under this name.
    """
    connection = Connection.open(address)
    try:
        return _open(connection, read_only)
    except BaseException:
        connection.close()
        raise


def milvus_library_exists(address: MilvusAddress) -> bool:
    """Whether there is a library, made by maxsight or by another program."""
    if address.lite_path is not None and not address.lite_path.exists():
        return False
    connection = Connection.open(address)
    try:
        name = address.collection
        return MANIFEST in _properties(connection, name + PAGES_SUFFIX) | _properties(connection, name) or (
            is_foreign_rows(described(connection, name))
        )
    finally:
        connection.close()


def _open(connection: Connection, read_only: bool) -> MilvusStore | ForeignRows:
    address = connection.address
    name = address.collection
    if MANIFEST in _properties(connection, name + PAGES_SUFFIX):
        _check_layout(address, Layout.ROWS)
        for collection in (name, name + PAGES_SUFFIX):
            connection.call("load_collection", collection)
        pages = PageRows(connection, name + PAGES_SUFFIX, [name])
        return RowsStore(connection, pages, name, read_only=read_only, reason=_reason(connection))
    found = described(connection, name)
    if MANIFEST in found.get("properties", {}):
        _check_layout(address, Layout.EMBEDDING_LIST)
        return embedding_list.open_store(connection, read_only=read_only)
    if is_foreign_rows(found):
        connection.call("load_collection", name)
        return ForeignRows(connection, found)
    if found:
        raise StoreError(
            f"{address}: the collection {name!r} is another program's",
            hint="One with vector, seq_id, doc_id and doc could be searched; choose another: ?collection=NAME",
        )
    raise LibraryNotFoundError(
        f"there is no library at {address}",
        hint="Make one with `maxsight index`, or Library.create in Python.",
    )


def _layout(connection: Connection) -> Layout:
    can = connection.capabilities
    layout = connection.address.layout or (Layout.EMBEDDING_LIST if can.embedding_lists else Layout.ROWS)
    if layout is Layout.EMBEDDING_LIST and not can.embedding_lists:
        raise StoreError(f"{can} holds no embedding lists", hint="They need Milvus 2.6.4; use ?layout=rows")
    return layout


def _check_layout(address: MilvusAddress, there: Layout) -> None:
    if address.layout not in (None, there):
        raise StoreError(f"the library at {address} has layout {there}, not {address.layout}")


def _reason(connection: Connection) -> str:
    if connection.capabilities.lite:
        return LITE_REASON
    return "" if connection.capabilities.embedding_lists else " (embedding lists need Milvus 2.6.4)"


def _properties(connection: Connection, collection: str) -> dict[str, str]:
    return dict(described(connection, collection).get("properties") or {})


def _check_vacant(connection: Connection) -> None:
    """Refuse a name that is taken; what a kill has left of a library that was being made is dropped."""
    name = connection.address.collection
    found = {each: described(connection, each) for each in (name, name + PAGES_SUFFIX)}
    properties = {each: dict(description.get("properties") or {}) for each, description in found.items()}
    if any(MANIFEST in each for each in properties.values()):
        raise LibraryExistsError(
            f"there is a library at {connection.address} already",
            hint="Open it, or choose another: ?collection=NAME",
        )
    for each, description in found.items():
        if description and LAYOUT not in properties[each]:
            raise LibraryExistsError(
                f"{connection.address}: the collection {each!r} is another program's",
                hint="Choose another name: ?collection=NAME",
            )
        if description:
            connection.call("drop_collection", each)


def _create_rows(connection: Connection, manifest: Manifest) -> RowsStore:
    name, can = connection.address.collection, connection.capabilities
    create_collection(
        connection,
        name,
        _vector_schema(manifest.space.dim),
        _vector_indexes(connection),
        {LAYOUT: Layout.ROWS},
    )
    schema = MilvusClient.create_schema(auto_id=False, enable_dynamic_field=False)
    add_page_columns(schema, can)
    indexes = page_indexes(connection)
    if can.full_text:
        indexes.add_index(TEXT_VECTOR, index_type="SPARSE_INVERTED_INDEX", metric_type="BM25")
    else:  # a collection needs a vector
        schema.add_field(NO_VECTOR, DataType.FLOAT_VECTOR, dim=2)
        indexes.add_index(NO_VECTOR, index_type="FLAT", metric_type="IP", params={})
    library = {LAYOUT: Layout.ROWS, MANIFEST: manifest.to_json()}
    create_collection(connection, name + PAGES_SUFFIX, schema, indexes, library)  # last: now it is one
    pages = PageRows(connection, name + PAGES_SUFFIX, [name])
    return RowsStore(connection, pages, name, reason=_reason(connection))


def _vector_schema(dim: int) -> CollectionSchema:
    schema = MilvusClient.create_schema(auto_id=False, enable_dynamic_field=False)
    schema.add_field("pk", DataType.INT64, is_primary=True)
    schema.add_field("vector", DataType.FLOAT_VECTOR, dim=dim)
    schema.add_field("seq_id", DataType.INT16)
    schema.add_field("doc_id", DataType.VARCHAR, max_length=ID_BYTES)
    schema.add_field("doc", DataType.VARCHAR, max_length=TEXT_BYTES)
    return schema


def _vector_indexes(connection: Connection) -> IndexParams:
    address = connection.address
    kind = address.index or "HNSW"
    params = {"M": address.m, "efConstruction": address.ef_construction} if kind.startswith("HNSW") else {}
    indexes = IndexParams()
    indexes.add_index("vector", index_type=kind, metric_type="IP", params=params)
    indexes.add_index("doc_id", index_type=connection.capabilities.text_index)
    return indexes
