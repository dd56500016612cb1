"""The way to a Milvus server, and where its errors become ours.

pymilvus tries again by itself, with growing pauses, while a server is unreachable or asks for slower writing; every
call is given the time after which it stops (``TIMEOUT_S``). All writes can be repeated: they name their rows.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
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
REQUEST_BYTES = 32 << 20
"""Of vectors in one request or answer: servers take 64 MiB, with everything around them."""

LARGEST_WINDOW = 16_384
"""Rows a server gives in one answer, and hits for one vector."""

_CONNECT_FAILED, _RATE_LIMIT, _DENIED, _NO_COLLECTION, _NO_DATABASE = 2, 8, 9, 100, 800


@dataclass(frozen=True, slots=True)
class Connection:
    """A client of a server, or of a Milvus Lite database.

    Attributes:
        address: Where it leads.
        client: Whose calls belong into ``translated``.
        capabilities: Of the server.
    """

    address: MilvusAddress
    client: MilvusClient = field(repr=False)
    capabilities: Capabilities

    @classmethod
    def open(cls, address: MilvusAddress) -> Connection:
        """Connect.

        Raises:
            StoreUnavailableError: Nothing answers there, or the token is refused.
            LibraryBusyError: Another process has the Milvus Lite database open.
            LibraryNotFoundError: The server has no such database.
        """
        for noisy in ("pymilvus", "milvus_lite"):  # they log what they also raise, with a trace
            logging.getLogger(noisy).setLevel(logging.CRITICAL)
        lite = address.lite_path is not None
        options: dict[str, Any] = {"token": address.token} if address.token else {}
        if not lite and address.database != DEFAULT_DATABASE:
            options["db_name"] = address.database
        if address.ca_file is not None:
            options |= {"secure": True, "server_pem_path": str(address.ca_file)}
        with translated(address):
            client = MilvusClient(address.uri, timeout=CONNECT_TIMEOUT_S, **options)
            version = client.get_server_version(timeout=CONNECT_TIMEOUT_S)
            if "db_name" in options:
                client.list_collections(timeout=CONNECT_TIMEOUT_S)  # fails where there is no such database
        return cls(address, client, parse_version(version, lite=lite))

    def call(self, method: str, *arguments: Any, **options: Any) -> Any:
        """Call a method of the client by name, within the time limit, with its errors translated."""
        with translated(self.address):
            return getattr(self.client, method)(*arguments, timeout=TIMEOUT_S, **options)

    def next_of(self, iterator: Any) -> list[Any]:
        """The next rows of an iterator; none at its end."""
        with translated(self.address):
            found: list[Any] = iterator.next()
            return found

    def close(self) -> None:
        """Disconnect. A Milvus Lite database is free for another process only when this one ends."""
        self.client.close()


@contextmanager
def translated(address: MilvusAddress) -> Iterator[None]:
    """Turn pymilvus' errors into ours.

    Raises:
        StoreUnavailableError: The server does not answer, or refuses the token.
        LibraryBusyError: Another process has the Milvus Lite database open.
        LibraryNotFoundError: The collection or the database is not there.
        StorageFullError: The server takes no more.
        StoreError: It failed in another way.
    """
    try:
        yield
    except MaxSightError:
        raise
    except (MilvusException, grpc.RpcError) as error:
        raise _ours(error, address) from error


def _ours(error: MilvusException | grpc.RpcError, address: MilvusAddress) -> StoreError:
    if isinstance(error, ConnectionConfigException) and address.lite_path is not None:
        return LibraryBusyError(
            f"{address} can't be opened: another process has it open, or it is no Milvus Lite database",
            hint="One process at a time can use Milvus Lite; end the other, or run a Milvus server for both.",
        )
    status, code = _grpc_status(error), getattr(error, "code", None)
    if status in (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED):
        return StoreUnavailableError(
            f"{address} refuses the token" if address.token else f"{address} wants a token",
            hint="Set MAXSIGHT_TOKEN=user:password, or to an API key.",
        )
    if code == _CONNECT_FAILED or status in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED):
        return StoreUnavailableError(
            f"no Milvus server answers at {address}",
            hint="Is it running, and is the port right? What was written is safe; run the same command again.",
        )
    if code == _NO_DATABASE:
        return LibraryNotFoundError(
            f"the server at {address.uri} has no database {address.database!r}",
            hint="Create it there, or leave it out of the address.",
        )
    if code == _NO_COLLECTION:
        return LibraryNotFoundError(f"there is no library at {address} any more: its collection is gone")
    if code in (_RATE_LIMIT, _DENIED):
        return StorageFullError(f"{address} takes no more: {_message(error)}")
    return StoreError(f"{address} failed: {_message(error)}")


def _grpc_status(error: BaseException | None) -> grpc.StatusCode | None:
    """The status of the call behind an error: pymilvus gives the same code to a refusal and to silence."""
    for behind in (error, error.__cause__ if error else None):
        if isinstance(behind, grpc.RpcError):
            status: grpc.StatusCode = behind.code()
            return status
    status = getattr(error, "code", None)
    return status if isinstance(status, grpc.StatusCode) else None


def _message(error: MilvusException | grpc.RpcError) -> str:
    text = error.message if isinstance(error, MilvusException) else str(error.details())
    line = str(text).partition("\n")[0]
    return line if len(line) <= 300 else line[:297] + "..."
