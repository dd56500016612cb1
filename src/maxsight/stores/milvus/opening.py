"""Opening libraries in Milvus: which layout a collection has, or which form if another program made it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from maxsight.errors import LibraryNotFoundError, StoreError
from maxsight.stores.addresses import Layout, MilvusAddress
from maxsight.stores.milvus.collections import describe, properties_of
from maxsight.stores.milvus.connection import Connection
from maxsight.stores.milvus.embedding_list import EmbeddingListStore
from maxsight.stores.milvus.foreign import ForeignRows, is_foreign_rows
from maxsight.stores.milvus.properties import MANIFEST
from maxsight.stores.milvus.rows import PAGES_SUFFIX, RowsStore
from maxsight.stores.milvus.store import MilvusStore


def open_milvus_store(address: MilvusAddress, *, read_only: bool = False) -> MilvusStore | ForeignRows:
    """Open a library, or another program's collection of vectors in the form of layout ``rows``.

    Raises:
        LibraryNotFoundError: There is none.
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
        found = describe(connection, address.collection)
        return _find_layout(connection, found) is not None or is_foreign_rows(found)
    finally:
        connection.close()


def _open(connection: Connection, read_only: bool) -> MilvusStore | ForeignRows:
    address = connection.address
    found = describe(connection, address.collection)
    layout = _find_layout(connection, found)
    if layout is not None and address.layout not in (None, layout):
        raise StoreError(f"the library at {address} has layout {layout}, not {address.layout}")
    if layout is None and not is_foreign_rows(found):
        raise _refusal(address, found)
    connection.call("load_collection", address.collection)
    if layout is Layout.ROWS:
        connection.call("load_collection", address.collection + PAGES_SUFFIX)
    match layout:
        case Layout.ROWS:
            return RowsStore(connection, read_only=read_only)
        case Layout.EMBEDDING_LIST:
            return EmbeddingListStore(connection, read_only=read_only)
    return ForeignRows(connection, found)


def _find_layout(connection: Connection, found: Mapping[str, Any]) -> Layout | None:
    """Find the layout of the library at an address; None if there is no library."""
    if MANIFEST in properties_of(describe(connection, connection.address.collection + PAGES_SUFFIX)):
        return Layout.ROWS
    return Layout.EMBEDDING_LIST if MANIFEST in properties_of(found) else None


def _refusal(address: MilvusAddress, found: Mapping[str, Any]) -> StoreError:
    if found:
        return StoreError(
            f"{address}: the collection {address.collection!r} is another program's",
            hint="A collection with vector, seq_id, doc_id and doc can be searched. Choose another: ?collection=NAME",
        )
    return LibraryNotFoundError(
        f"there is no library at {address}",
        hint="Make one with `maxsight index`, or Library.create in Python.",
    )
