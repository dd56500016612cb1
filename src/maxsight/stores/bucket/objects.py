"""The objects of one bucket below one address: read, listed, and written under conditions.

Lance reads and writes its own files. Everything else goes through `obstore`, the same client under Python, with the
same options: https://developmentseed.org/obstore/. Errors of both become ours in `translated`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import Any, NamedTuple, cast

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, PreconditionError
from obstore.store import AzureStore, from_url

from maxsight.errors import InputError, LibraryReadOnlyError, StoreError, StoreUnavailableError
from maxsight.stores.addresses import DATASET, BucketAddress
from maxsight.stores.local import lance_errors
from maxsight.stores.local.lance_errors import brief

_NO_BUCKET = re.compile(
    r"NoSuchBucket|ContainerNotFound|bucket does not exist|InvalidBucketName", re.IGNORECASE
)
_REFUSED = re.compile(
    r"\b40[13] (Forbidden|Unauthorized)|AccessDenied|InvalidAccessKeyId|SignatureDoesNotMatch|ExpiredToken|"
    r"InvalidToken|AuthenticationFailed|invalid_grant",
    re.IGNORECASE,
)
_NO_CREDENTIALS = re.compile(
    r"169\.254\.169\.254|metadata\.google|credentials provider|no credentials|CredentialsNotLoaded",
    re.IGNORECASE,
)
_UNREACHABLE = re.compile(
    r"error sending request|timed? ?out|connection|dns error|\b(429|5\d\d) [A-Z]|SlowDown", re.IGNORECASE
)
_NO_TLS = re.compile(r"builder error", re.IGNORECASE)
"""What the HTTP client says to an address that does not begin with https, unless `allow_http` is set."""
_UNCONDITIONAL = re.compile(r"NotImplemented|\b501 ", re.IGNORECASE)


_PREFIXES = {"s3": "aws_", "gs": "google_", "az": "azure_storage_"}
_CLIENT_OPTIONS = (
    "allow_http",
    "allow_invalid_certificates",
    "connect_timeout",
    "proxy_url",
    "timeout",
    "user_agent",
)


class Stored(NamedTuple):
    """One object in a bucket.

    Attributes:
        name: Below the address.
        size_bytes: Its size.
    """

    name: str
    size_bytes: int


class Objects:
    """The objects below one address."""

    def __init__(self, address: BucketAddress) -> None:
        """Connect. Nothing is read.

        Raises:
            InputError: An option is not known.
        """
        self.address = address
        self.dataset_uri = f"{address.uri}/{DATASET}"

    @cached_property
    def _client(self) -> Any:
        prefix = _PREFIXES[self.address.scheme]
        config, client = {}, {}
        for name, value in self.address.options.items():  # obstore parts what Lance takes together
            if name in _CLIENT_OPTIONS:
                client[name] = value
            elif name == "aws_allow_http":  # Lance's other name of it, at which obstore panics
                client["allow_http"] = value
            else:
                config[name if name.startswith(prefix.split("_")[0]) else prefix + name] = value
        options: dict[str, Any] = {
            "config": config,
            "client_options": client,
            "retry_config": {"max_retries": 3},
        }
        try:
            if (
                self.address.scheme == "az"
            ):  # obstore reads the account from such a URL, where Lance has the container
                return AzureStore(self.address.bucket, prefix=self.address.prefix, **options)
            return from_url(self.address.uri, **options)
        except (BaseError, ValueError) as error:
            raise InputError(
                f"{self.address} can't be opened with these storage options: {brief(error)}",
                hint="Options are named as in Lance: aws_region, aws_endpoint, google_service_account, "
                "azure_storage_account_name. See docs/scaling.md.",
            ) from error

    @property
    def for_lance(self) -> dict[str, str]:
        """The options that Lance takes."""
        return dict(self.address.options)

    def read(self, name: str) -> bytes | None:
        """Return an object; None if there is none."""
        found = self.read_versioned(name)
        return None if found is None else found[0]

    def read_versioned(self, name: str) -> tuple[bytes, Mapping[str, Any]] | None:
        """Return an object, and what ``write_over`` needs to replace exactly this one; None if there is none."""
        try:
            found = obstore.get(self._client, name)
        except FileNotFoundError as error:
            if _NO_BUCKET.search(str(error)):
                raise
            return None
        return bytes(found.bytes()), _identity(found.meta)

    def parts(self, name: str) -> Iterator[bytes]:
        """Yield an object in parts."""
        with self.translated():
            for part in obstore.get(self._client, name).stream(min_chunk_size=8 * 2**20):
                yield bytes(part)

    def below(self, folder: str) -> Iterator[Stored]:
        """List the objects below a folder."""
        for batch in obstore.list(self._client, prefix=folder or None):
            for meta in batch:
                yield Stored(meta["path"], meta["size"])

    def write_new(self, name: str, content: bytes) -> Mapping[str, Any] | None:
        """Write an object that does not exist; None if it does."""
        try:
            return _identity(obstore.put(self._client, name, content, mode="create"))
        except AlreadyExistsError:
            return None

    def write_over(self, name: str, content: bytes, known: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Replace exactly the object that is known; None if it is another one now, or gone."""
        try:
            return _identity(obstore.put(self._client, name, content, mode=cast(Any, dict(known))))
        except (AlreadyExistsError, PreconditionError, FileNotFoundError):
            return None

    def delete(self, names: list[str]) -> None:
        """Remove objects, if they are there."""
        for first in range(0, len(names), 1000):
            obstore.delete(self._client, names[first : first + 1000])

    @contextmanager
    def translated(self, *, writing: bool = False) -> Iterator[None]:
        """Turn errors of the storage into ours.

        Raises:
            StoreError: There is no such bucket, or it refuses the credentials, or something else failed.
            StoreUnavailableError: It can't be reached, or is busy.
            LibraryReadOnlyError: The credentials may not write.
        """
        try:
            with lance_errors.translated(str(self.address), writing=writing, first=self._ours):
                yield
        except BaseError as error:
            raise self._ours(error, writing) or StoreError(
                f"{self.address} can't be used: {brief(error)}"
            ) from error

    def _ours(self, error: BaseException, writing: bool) -> StoreError | None:
        """Return our error for one of the storage; None if the storage is not to blame."""
        text, place = str(error), self.address
        if _NO_BUCKET.search(text):
            return StoreError(
                f"there is no bucket {place.bucket!r}: {place} can't be used",
                hint="Check its name, its region (--storage-option aws_region=...) and the endpoint, or make it.",
            )
        if _NO_CREDENTIALS.search(text):
            return StoreError(
                f"{place}: no credentials were found",
                hint="Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give --storage-option KEY=VALUE.",
            )
        if _REFUSED.search(text):
            kind = LibraryReadOnlyError if writing and "AccessDenied" in text else StoreError
            return kind(
                f"{place}: the storage refuses the credentials, or they have expired ({_code(text)})",
                hint="Renew them and run the same command again: what was reported before is stored.",
            )
        if _UNCONDITIONAL.search(text):
            return unconditional(str(place))
        if _NO_TLS.search(text):
            return StoreError(
                f"{place}: the endpoint has no TLS, or is no address",
                hint="If it begins with http://, also give --storage-option allow_http=true.",
            )
        if _UNREACHABLE.search(text):
            return StoreUnavailableError(
                f"{place}: the storage can't be reached now: {brief(error)}",
                hint="Check the network and --storage-option aws_endpoint=... Then run the same command again.",
            )
        return None


def unconditional(place: str) -> StoreError:
    """Return the error for a storage that can't exclude a second writer."""
    return StoreError(
        f"{place}: this storage does not know conditional puts, so two writers could lose each other's pages",
        hint="Use storage that has them (S3, GCS, Azure, R2, MinIO), or a library in a folder.",
    )


def _identity(meta: Any) -> Mapping[str, Any]:
    return {name: meta[name] for name in ("e_tag", "version") if meta.get(name)}


def _code(text: str) -> str:
    found = re.search(r"<Code>(\w+)</Code>", text) or re.search(r"\b(40[13])\b", text)
    return found[1] if found else "refused"
