"""The connection to a Milvus server, where pymilvus' errors become maxsight's.

pymilvus repeats a call, with growing pauses, while a server is unreachable or asks for slower writing. Each call has a
time limit, ``TIMEOUT_S``. Every write names its rows, so it can be repeated.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
from pymilvus import MilvusClient, MilvusException
from pymilvus.exceptions import ConnectionConfigException

from maxsight.errors import (
    LibraryBusyError,
    LibraryNotFoundError,
    MaxSightError,
    StorageFullError,
    StoreError,
    StoreUnavailableError,
)
from maxsight.stores.addresses import DEFAULT_DATABASE, MilvusAddress
from maxsight.stores.milvus.capabilities import Capabilities, parse_version

CONNECT_TIMEOUT_S = 10.0
TIMEOUT_S = 120.0
LOAD_WAIT_S = 15.0
"""How long a call waits for a collection to be loaded, before the caller is told to try again."""

REQUEST_BYTES = 32 << 20
"""Of vectors in one request or answer. Servers accept 64 MiB, with all other columns."""

MAX_WINDOW = 16_384
"""The most rows in an answer, and the most hits for one vector."""

_NOT_LOADED_CODES = (101, 103, 106, 503)
"""A collection that is not loaded, not fully loaded or recovering; a channel of it that is not served yet."""

_NOT_LOADED = re.compile(
    r"not (fully )?loaded|loading collection timeout|no available shard|not serviceable|on recovering",
    re.IGNORECASE,
)
"""The same in the messages of servers before 2.4, whose codes say less."""

_CONNECT_FAILED, _RATE_LIMIT, _DENIED, _NO_COLLECTION, _NO_DATABASE = 2, 8, 9, 100, 800


@dataclass(frozen=True, slots=True)
class Connection:
    """A client of a server, or of a Milvus Lite database.

    Attributes:
        address: The library's address.
        client: The client. Its calls belong into ``translate_errors``.
        capabilities: What the server supports.
    """

    address: MilvusAddress
    client: MilvusClient = field(repr=False)
    capabilities: Capabilities

    @classmethod
    def open(cls, address: MilvusAddress) -> Connection:
        """Connect.

        Raises:
            StoreUnavailableError: No server answers, or it refuses the token.
            LibraryBusyError: Another process has the Milvus Lite database open.
            LibraryNotFoundError: The server has no such database.
            StoreError: The server is too old.
        """
        for noisy in ("pymilvus", "milvus_lite"):  # they also log, with a trace, each error that they raise
            logging.getLogger(noisy).setLevel(logging.CRITICAL)
        lite = address.lite_path is not None
        options: dict[str, Any] = {"token": address.token} if address.token else {}
        if not lite and address.database != DEFAULT_DATABASE:
            options["db_name"] = address.database
        if address.ca_file is not None:
            options |= {"secure": True, "server_pem_path": str(address.ca_file)}
        with translate_errors(address):
            client = MilvusClient(address.uri, timeout=CONNECT_TIMEOUT_S, **options)
            version = client.get_server_version(timeout=CONNECT_TIMEOUT_S)
            if "db_name" in options:
                client.list_collections(timeout=CONNECT_TIMEOUT_S)  # fails if there is no such database
        return cls(address, client, parse_version(version, lite=lite))

    def call(self, method: str, *arguments: Any, **options: Any) -> Any:
        """Call a method of the client by name, with the time limit and translated errors.

        A collection that is not loaded, since somebody has released it or the server has restarted, is loaded.

        Raises:
            StoreUnavailableError: The server still loads the collection.
        """
        try:
            return self._call(method, *arguments, **options)
        except NotLoadedError:
            self.load(arguments[0], LOAD_WAIT_S)
        return self._call(method, *arguments, **options)

    def _call(self, method: str, *arguments: Any, **options: Any) -> Any:
        with translate_errors(self.address):
            return getattr(self.client, method)(*arguments, **{"timeout": TIMEOUT_S, **options})

    def load(self, collection: str, timeout_s: float = TIMEOUT_S) -> None:
        """Load a collection, and wait until it is.

        Raises:
            StoreUnavailableError: The server still loads it.
        """
        replicas = self.address.replicas
        options = {} if replicas is None else {"replica_number": replicas}
        try:
            self._call("load_collection", collection, timeout=timeout_s, **options)
        except StoreUnavailableError as error:
            raise NotLoadedError(
                f"the server at {self.address.uri} still loads the collection {collection!r}",
                hint="Try again in a few seconds. A large collection takes minutes.",
            ) from error

    def describe(self, collection: str) -> dict[str, Any]:
        """Describe a collection; empty if it does not exist."""
        return (
            dict(self.call("describe_collection", collection))
            if self.call("has_collection", collection)
            else {}
        )

    def iterate(self, collection: str, expression: str, columns: list[str]) -> Iterator[Any]:
        """Read any number of rows of a collection."""
        iterator = self.call(
            "query_iterator", collection, filter=expression, output_fields=columns, batch_size=MAX_WINDOW
        )
        with translate_errors(self.address), closing(iterator):
            while found := iterator.next():
                yield from found

    def close(self) -> None:
        """Disconnect. A Milvus Lite database stays locked until this process ends."""
        self.client.close()


class NotLoadedError(StoreUnavailableError):
    """The server has to load a collection first."""

    @classmethod
    def slug(cls) -> str:
        """Name it like any server that can't answer yet."""
        return StoreUnavailableError.slug()


@contextmanager
def translate_errors(address: MilvusAddress) -> Iterator[None]:
    """Raise pymilvus' errors as maxsight's.

    Raises:
        StoreUnavailableError: The server does not answer, or refuses the token.
        LibraryBusyError: Another process has the Milvus Lite database open.
        LibraryNotFoundError: The collection or the database does not exist.
        StorageFullError: The server accepts no more data.
        StoreError: Another failure.
    """
    try:
        yield
    except MaxSightError:
        raise
    except (MilvusException, grpc.RpcError) as error:
        raise _translated(error, address) from error


def _translated(error: MilvusException | grpc.RpcError, address: MilvusAddress) -> StoreError:
    if isinstance(error, ConnectionConfigException) and address.lite_path is not None:
        return LibraryBusyError(
            f"{address} can't be opened: another process has it open, or it is not a Milvus Lite database",
            hint="One process at a time can use Milvus Lite. End the other one, or run a Milvus server for both.",
        )
    status, code = _grpc_status(error), getattr(error, "code", None)
    if status in (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED):
        return StoreUnavailableError(
            f"{address} refuses the token" if address.token else f"{address} needs a token",
            hint="Set MAXSIGHT_TOKEN=user:password, or to an API key.",
        )
    if code in _NOT_LOADED_CODES or _NOT_LOADED.search(_message(error)):
        return NotLoadedError(
            f"the server at {address.uri} has to load the collection first",
            hint="Try again in a few seconds.",
        )
    if (
        code == _CONNECT_FAILED
        or status in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)
        or "Retry timeout" in _message(error)
    ):
        return StoreUnavailableError(
            f"no Milvus server answers at {address}",
            hint="Check that it is running, and the port. Written data is safe: run the same command again.",
        )
    if code == _NO_DATABASE:
        return LibraryNotFoundError(
            f"the server at {address.uri} has no database {address.database!r}",
            hint="Create it on the server, or leave it out of the address.",
        )
    if code == _NO_COLLECTION:
        return LibraryNotFoundError(f"the library at {address} is gone: it has no collection any more")
    if code in (_RATE_LIMIT, _DENIED):
        return StorageFullError(f"{address} accepts no more data: {_message(error)}")
    return StoreError(f"{address} failed: {_message(error)}")


def _grpc_status(error: BaseException | None) -> grpc.StatusCode | None:
    """Find the status of the call that failed: pymilvus has one code for a refusal and for no answer."""
    for each in (error, error.__cause__ if error else None):
        if isinstance(each, grpc.RpcError):
            status: grpc.StatusCode = each.code()
            return status
    status = getattr(error, "code", None)
    return status if isinstance(status, grpc.StatusCode) else None


def _message(error: MilvusException | grpc.RpcError) -> str:
    text = error.message if isinstance(error, MilvusException) else str(error.details())
    line = str(text).partition("\n")[0]
    return line if len(line) <= 300 else line[:297] + "..."
