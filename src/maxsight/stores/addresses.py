"""Where a library is, as people write it: a folder, a bucket, a Milvus Lite database, or a Milvus server.

::

    papers.library                                             a folder
    s3://bucket/papers.library                                 a bucket of object storage: also gs:// and az://
    ./papers.db                                                a Milvus Lite database
    https://host:19530/database?collection=papers&layout=rows  a server

Secrets are never part of an address, because addresses are printed and stay in the history of shells.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from os import PathLike
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit
from urllib.request import url2pathname

from maxsight.errors import InputError

DATASET = "pages.lance"
"""The folder of a library's dataset, in the library's own folder."""

BUCKET_SCHEMES = {"s3": "s3", "s3a": "s3", "gs": "gs", "gcs": "gs", "az": "az"}
"""The schemes of object storage, and how each is written to Lance."""
DEFAULT_CACHE_BYTES = 10 * 10**9

LITE_SUFFIX = ".db"
_SQLITE = b"SQLite format 3\0"
DEFAULT_COLLECTION = "maxsight"
DEFAULT_DATABASE = "default"


class Layout(StrEnum):
    """How Milvus stores a library's vectors: a row for each vector, or an entity for each page."""

    ROWS = "rows"
    EMBEDDING_LIST = "embedding-list"


@dataclass(frozen=True, slots=True)
class MilvusAddress:
    """A library in Milvus.

    Attributes:
        uri: Where a client connects to: ``http://host:19530``, ``https://...``, or the path of a Milvus Lite database.
        collection: The library's collection, with its prefix.
        database: The server's database.
        layout: How the vectors are stored. None for the stored library's layout, or the best of the server.
        root: The folder that documents are named relative to. None for the folder in the library's manifest.
        index: The type of the vector index. None for the layout's default.
        m: The number of links of a vector in an HNSW index.
        ef_construction: The number of neighbours that are compared while an HNSW index is built.
        shards: How many channels write to a new collection; its layout's default if None.
        partition_key: The column whose values divide a new collection into partitions: ``path``.
        replicas: How many times a server loads the collection.
        mmap: Whether a server maps a new collection's data from its disk instead of holding it in memory.
        nlist: The number of clusters of an IVF index.
        strategy: How a server from 3.0 on indexes embedding lists: ``tokenann``, ``muvera`` or ``lemur``.
        vector: The field with the vectors, if another program's collection has several.
        consistency: How recent the data of a search must be: ``Strong``, ``Session``, ``Bounded`` or ``Eventually``.
        ca_file: The certificate of the authority that signed the server's, if the system does not know it.
        token: ``user:password`` or an API key.
    """

    uri: str
    collection: str = DEFAULT_COLLECTION
    database: str = DEFAULT_DATABASE
    layout: Layout | None = None
    root: Path | None = None
    index: str | None = None
    m: int = 16
    ef_construction: int = 500
    shards: int | None = None
    partition_key: str | None = None
    replicas: int | None = None
    mmap: bool | None = None
    nlist: int = 1024
    strategy: str | None = None
    vector: str | None = None
    consistency: str = "Strong"
    ca_file: Path | None = None
    token: str | None = field(default=None, repr=False)

    @property
    def lite_path(self) -> Path | None:
        """The path of a Milvus Lite database; None for a server."""
        return None if "://" in self.uri else Path(self.uri)

    def __str__(self) -> str:
        """Write what names the library, without options and token."""
        database = "" if self.database == DEFAULT_DATABASE else f"/{self.database}"
        named = {} if self.collection == DEFAULT_COLLECTION else {"collection": self.collection}
        return f"{self.uri}{database}{'?' if named else ''}{urlencode(named)}"


@dataclass(frozen=True, slots=True)
class BucketAddress:
    """A library in a bucket of object storage.

    Attributes:
        uri: ``s3://bucket/papers.library``, ``gs://...`` or ``az://container/...``.
        options: Lance's storage options, such as ``aws_region``. The environment gives those that are missing.
        cache_bytes: How much of this machine's disk copies of its files may take.
    """

    uri: str
    options: Mapping[str, str] = field(default_factory=dict, repr=False, hash=False)
    cache_bytes: int = DEFAULT_CACHE_BYTES

    @property
    def scheme(self) -> str:
        """``s3``, ``gs`` or ``az``."""
        return self.uri.partition("://")[0]

    @property
    def bucket(self) -> str:
        """The bucket, or the container."""
        return urlsplit(self.uri).netloc

    @property
    def prefix(self) -> str:
        """The library's place in it."""
        return urlsplit(self.uri).path.strip("/")

    def __str__(self) -> str:
        """Write what names the library, without options."""
        return self.uri


Address = Path | BucketAddress | MilvusAddress
_FORM = "A server's library: http(s)://host:19530/database?collection=NAME&layout=rows"
_BUCKET_FORM = "A library in a bucket: s3://bucket/papers.library, gs://..., az://container/..."


def identify_address(address: Address) -> str:
    """Return a name that differs between libraries, but not between the ways to write a folder's path."""
    return str(address.resolve() if isinstance(address, Path) else address)


def parse_address(
    text: str | PathLike[str],
    token: str | None = None,
    *,
    storage_options: Mapping[str, str] | None = None,
    cache_bytes: int | None = None,
) -> Address:
    """Read an address.

    Args:
        text: A folder, the URL of a place in a bucket, a Milvus Lite database (``NAME.db``), or a server's URL.
        token: The server's token.
        storage_options: As ``BucketAddress.options``.
        cache_bytes: As ``BucketAddress.cache_bytes``.

    Raises:
        InputError: The text is not an address, or has an unknown option.
    """
    text = str(text)
    scheme, separator, _ = text.partition("://")
    if scheme in BUCKET_SCHEMES and separator:
        return _parse_bucket(text, storage_options or {}, cache_bytes or DEFAULT_CACHE_BYTES)
    if scheme == "file" and separator:
        text = url2pathname(urlsplit(text).path)
    elif separator:
        return _parse_url(text, token)
    path, found, query = text.partition(f"{LITE_SUFFIX}?")
    path = path + LITE_SUFFIX if found else text
    if path.endswith(LITE_SUFFIX) and not (Path(path) / DATASET).exists():
        return _with_options(_no_file(path), DEFAULT_DATABASE, query, token)
    return Path(_no_file(text))


def _no_file(path: str) -> str:
    """Refuse a path where a file is."""
    if Path(path).is_file():
        with open(path, "rb") as file:
            is_sqlite = file.read(len(_SQLITE)) == _SQLITE
        if is_sqlite:
            raise InputError(
                f"{path} is an SQLite database and no library",
                hint="Milvus Lite before 3.0 wrote such files. Index the documents into a new library.",
            )
        raise InputError(f"{path} is a file", hint="A library is a folder: give its name, or a new one.")
    return path


def _parse_bucket(text: str, options: Mapping[str, str], cache_bytes: int) -> BucketAddress:
    try:
        url = urlsplit(text)
        path = re.sub(r"/+", "/", url.path).strip("/")
        scheme, bucket = BUCKET_SCHEMES[url.scheme], url.netloc
    except ValueError as error:
        raise InputError(f"the library's URL can't be read: {error}", hint=_BUCKET_FORM) from error
    if "@" in bucket or url.query or url.fragment:
        raise InputError(
            f"the URL of a bucket has a user, options or a fragment: {scheme}://{bucket.rpartition('@')[2]}/{path}",
            hint="Give credentials in the environment, or with --storage-option KEY=VALUE.",
        )
    if not bucket or not path:
        raise InputError(f"{text} names no place in a bucket", hint=_BUCKET_FORM)
    return BucketAddress(f"{scheme}://{bucket}/{path}", options=options, cache_bytes=cache_bytes)


def _parse_url(text: str, token: str | None) -> MilvusAddress:
    try:
        url = urlsplit(text)
        host, port = url.hostname, url.port
    except ValueError as error:
        raise InputError(f"the library's URL can't be read: {error}", hint=_FORM) from error
    if url.username is not None or url.password is not None:
        raise InputError(
            f"the URL of {host} holds a user or password, and addresses are printed",
            hint="Leave it out and set MAXSIGHT_TOKEN=user:password.",
        )
    if url.scheme not in ("http", "https"):
        raise InputError(f"a library can't be reached by {url.scheme}://", hint=_FORM)
    if not host or url.fragment:
        raise InputError(f"{text} is not the URL of a Milvus server", hint=_FORM)
    database = url.path.strip("/")
    if "/" in database:
        raise InputError(f"{text}: a URL names one database, got {database!r}", hint=_FORM)
    host = f"[{host}]" if ":" in host else host
    uri = f"{url.scheme}://{host}" + (f":{port}" if port else "")
    return _with_options(uri, database or DEFAULT_DATABASE, url.query, token)


def _with_options(uri: str, database: str, query: str, token: str | None) -> MilvusAddress:
    given = dict(parse_qsl(query, keep_blank_values=True))
    collection = given.pop("prefix", "") + given.pop("collection", DEFAULT_COLLECTION)
    if unknown := sorted(given.keys() - _OPTIONS.keys()):
        known = ", ".join(sorted({"collection", "prefix", *_OPTIONS}))
        raise InputError(f"an address has no option {unknown[0]!r}", hint=f"There are {known}.")
    if not re.fullmatch(r"[A-Za-z_]\w{0,199}", collection, re.ASCII):
        raise InputError(
            f"{collection!r} can't be the name of a collection",
            hint="Use letters, digits and underscores, at most 200.",
        )
    options = {name: _OPTIONS[name](name, value) for name, value in given.items()}
    token = (token or "").strip() or None
    return MilvusAddress(uri, collection=collection, database=database, token=token, **options)


def _choice(name: str, value: str, *choices: str) -> str:
    if value.lower() not in choices:
        raise InputError(f"{name} must be one of {', '.join(choices)}, got {value!r}")
    return value.lower()


def _number(name: str, value: str, minimum: int, maximum: int) -> int:
    if not value.isdecimal() or not minimum <= int(value) <= maximum:
        raise InputError(f"{name} must be a whole number from {minimum:,} to {maximum:,}, got {value!r}")
    return int(value)


def _absolute(name: str, value: str) -> Path:
    path = Path(value).expanduser()
    if not path.is_absolute():
        raise InputError(f"{name} must be an absolute path, got {value!r}")
    return path


_OPTIONS: Mapping[str, Callable[[str, str], Any]] = {
    "layout": lambda name, value: Layout(_choice(name, value, *Layout)),
    "root": _absolute,
    "index": lambda _, value: value.upper(),
    "m": lambda name, value: _number(name, value, 2, 2048),
    "ef_construction": lambda name, value: _number(name, value, 1, 32_768),
    "shards": lambda name, value: _number(name, value, 1, 64),
    "partition_key": lambda name, value: _choice(name, value, "path"),
    "replicas": lambda name, value: _number(name, value, 1, 1024),
    "mmap": lambda name, value: _choice(name, value, "true", "false") == "true",
    "nlist": lambda name, value: _number(name, value, 1, 65_536),
    "vector": lambda _, value: value,
    "strategy": lambda name, value: _choice(name, value, "tokenann", "muvera", "lemur"),
    "consistency": lambda name, value: _choice(
        name, value, "strong", "session", "bounded", "eventually"
    ).capitalize(),
    "ca_file": lambda _, value: Path(value),
}
"""The options of an address, besides the collection's name, and how each is read."""
