"""Finding, making and opening stores. This is the only module that knows every kind of store."""

from __future__ import annotations

from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from maxsight import extras
from maxsight.errors import InputError, LibraryReadOnlyError
from maxsight.retrieval.codes import PageCodec
from maxsight.settings import default_library, library_token
from maxsight.stores.addresses import Address, BucketAddress, MilvusAddress, parse_address
from maxsight.stores.base import AnyStore, Store, Writable
from maxsight.stores.local.durability import make_folder
from maxsight.stores.local.lance_errors import translated
from maxsight.stores.local.store import LocalStore
from maxsight.stores.manifest import Manifest

if TYPE_CHECKING:
    from maxsight.stores.bucket.store import BucketStore

Place = str | PathLike[str] | BucketAddress | MilvusAddress
"""What people write for a library: a folder, a bucket's URL, a Milvus Lite database (``NAME.db``), a server's URL."""


def find_place(named: Place | None, token: str | None = None) -> Address:
    """Resolve what a person wrote to an address.

    Args:
        named: What was written; ``MAXSIGHT_LIBRARY`` or ``./maxsight.library`` if not given.
        token: For a server; ``MAXSIGHT_TOKEN`` if not given.

    Raises:
        InputError: It is not an address.
    """
    if isinstance(named, BucketAddress):
        return named
    if isinstance(named, MilvusAddress):
        return replace(named, token=token) if token else named
    return parse_address(default_library() if named is None else named, token or library_token())


def library_exists(address: Address) -> bool:
    """Whether there is a library at an address."""
    if isinstance(address, Path):
        return LocalStore.exists(address)
    if isinstance(address, BucketAddress):
        return _bucket_store().exists(address)
    extras.require("milvus")
    from maxsight.stores.milvus import milvus_library_exists

    return milvus_library_exists(address)


def create_store(address: Address, manifest: Manifest) -> Store:
    """Make the store of a new library.

    Raises:
        StoreError: Something is there already, or the place can't be written to.
        MissingExtraError: It needs an extra that is not installed.
    """
    if isinstance(address, Path):
        return LocalStore.create(address, manifest, codec=PageCodec(manifest.space.dim))
    if isinstance(address, BucketAddress):
        return _bucket_store().create(address, manifest, codec=PageCodec(manifest.space.dim))
    extras.require("milvus")
    from maxsight.stores.milvus import create_milvus_store

    if address.lite_path:
        with translated(address.lite_path, writing=True):
            make_folder(address.lite_path.parent)
    if address.root and manifest.root is None:
        manifest = replace(manifest, root=address.root.as_posix())
    return create_milvus_store(address, manifest)


def open_store(address: Address, *, read_only: bool = False) -> AnyStore:
    """Open the store of a library.

    Raises:
        LibraryNotFoundError: It does not exist.
        StoreError: It can't be read.
        MissingExtraError: It needs an extra that is not installed.
    """
    if isinstance(address, Path):
        return LocalStore(address, codec=PageCodec, read_only=read_only)
    if isinstance(address, BucketAddress):
        return _bucket_store()(address, codec=PageCodec, read_only=read_only)
    extras.require("milvus")
    from maxsight.stores.milvus import open_milvus_store

    return open_milvus_store(address, read_only=read_only)


def _bucket_store() -> type[BucketStore]:
    extras.require("bucket")
    from maxsight.stores.bucket.store import BucketStore

    return BucketStore


def writable(store: AnyStore, place: str) -> Store:
    """Return the store as one that can be written to.

    Args:
        store: The library's.
        place: Where it is, for the error.

    Raises:
        LibraryReadOnlyError: It can only be read.
    """
    if isinstance(store, Writable):
        return store
    raise LibraryReadOnlyError(
        f"the library at {place} is not written to: {store.description}",
        hint="Copy what it holds into a library of your own: maxsight copy",
    )


def home_of(address: Address | None, manifest: Manifest) -> Path | None:
    """Return the folder that a library's documents are named relative to; None if they have absolute paths.

    It is the folder that holds the library, so that both can be moved together, unless the library was made with
    another root. An address may say where that root is on this machine.

    Raises:
        InputError: The address has a root, and the library has none.
    """
    if manifest.root is None:
        home = holder_of(address)
    else:
        home = Path(manifest.root) if manifest.root else None
    if isinstance(address, MilvusAddress) and address.root:
        if home is None:
            raise InputError(
                f"the library at {address} names its documents by absolute paths, so it has no root",
                hint="Leave root out; it is chosen when a library is made.",
            )
        return address.root
    return home


def holder_of(address: Address | None) -> Path | None:
    """Return the folder that holds a library; None for one in a bucket, on a server or in memory."""
    if isinstance(address, BucketAddress):
        return None
    held = address.lite_path if isinstance(address, MilvusAddress) else address
    return held.resolve().parent if held else None
