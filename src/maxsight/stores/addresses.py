"""Where a library lies, as people write it: a folder, a Milvus Lite database, or a Milvus server.

::

    papers.library                                             a folder
    ./papers.db                                                a Milvus Lite database
    https://host:19530/database?collection=papers&layout=rows  a server

A server's token is never part of an address: addresses are printed, and stay in the history of shells.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from os import PathLike
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit

from maxsight.errors import InputError

DATASET = "pages.lance"
"""What a folder library lies in."""

LITE_SUFFIX = ".db"
DEFAULT_COLLECTION = "maxsight"
DEFAULT_DATABASE = "default"


class Layout(StrEnum):
    """How a library's vectors lie in Milvus."""

    ROWS = "rows"
    EMBEDDING_LIST = "embedding-list"


@dataclass(frozen=True, slots=True)
class MilvusAddress:
    """A library in Milvus.

    Attributes:
        uri: What a client connects to: ``http://host:19530``, ``https://...``, or the path of a Milvus Lite database.
        collection: Of the library, its prefix included.
        database: Of the server.
        layout: How the vectors lie; None for what the server does best, or for what is there.
        root: The folder that documents are named relative to; None for the one the library was made with.
        index: Kind of the vector index; None for the layout's own.
        m: Links of a vector in an HNSW index.
        ef_construction: Neighbours looked at when an HNSW index is built.
        strategy: How a server from 3.0 on indexes embedding lists: ``tokenann``, ``muvera`` or ``lemur``.
        consistency: ``Strong``, ``Session``, ``Bounded`` or ``Eventually``: how new what a search sees must be.
        ca_file: Certificate of the authority that signed the server's, where the system does not know it.
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
    strategy: str | None = None
    consistency: str = "Strong"
    ca_file: Path | None = None
    token: str | None = field(default=None, repr=False)

    @property
    def lite_path(self) -> Path | None:
        """Where a Milvus Lite database lies; None for a server."""
        return None if "://" in self.uri else Path(self.uri)

    def __str__(self) -> str:
        """What names the library, without how it is reached."""
        database = "" if self.database == DEFAULT_DATABASE else f"/{self.database}"
        named = {} if self.collection == DEFAULT_COLLECTION else {"collection": self.collection}
        return f"{self.uri}{database}{'?' if named else ''}{urlencode(named)}"


Address = Path | MilvusAddress


def full_name(address: Address) -> str:
    """Tells a place from every other one, however a folder is written."""
    return str(address.resolve() if isinstance(address, Path) else address)


def parse_address(text: str | PathLike[str], token: str | None = None) -> Address:
    """Read an address.

    Args:
        text: A folder, a Milvus Lite database (``NAME.db``), or a server's URL.
        token: Of the server.

    Raises:
        InputError: It is none, or says something that is not known.
    """
    text = str(text)
    if "://" in text:
        return _parse_url(text, token)
    path, _, query = (
        text.partition("?") if re.search(rf"{re.escape(LITE_SUFFIX)}\?", text) else (text, "", "")
    )
    if path.endswith(LITE_SUFFIX) and not (Path(path) / DATASET).exists():
        return _with_options(_no_file(path), DEFAULT_DATABASE, query, token)
    return Path(_no_file(text))


def _no_file(path: str) -> str:
    if Path(path).is_file():
        raise InputError(f"{path} is a file", hint="A library is a folder: give its name, or a new one.")
    return path


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
        raise InputError(f"{text} is no URL of a Milvus server", hint=_FORM)
    database = url.path.strip("/")
    if "/" in database:
        raise InputError(f"{text}: a URL names one database, got {database!r}", hint=_FORM)
    return _with_options(_base(url, port), database or DEFAULT_DATABASE, url.query, token)


def _base(url: SplitResult, port: int | None) -> str:
    host = f"[{url.hostname}]" if ":" in (url.hostname or "") else url.hostname
    return f"{url.scheme}://{host}" + (f":{port}" if port else "")


def _with_options(uri: str, database: str, query: str, token: str | None) -> MilvusAddress:
    given = dict(parse_qsl(query, keep_blank_values=True))
    if unknown := sorted(set(given) - _OPTIONS):
        raise InputError(
            f"an address has no option {unknown[0]!r}", hint=f"There are {', '.join(sorted(_OPTIONS))}."
        )
    collection = given.get("prefix", "") + given.get("collection", DEFAULT_COLLECTION)
    if not re.fullmatch(r"[A-Za-z_]\w{0,199}", collection, re.ASCII):
        raise InputError(
            f"{collection!r} can't be the name of a collection",
            hint="Use letters, digits and underscores, at most 200.",
        )
    return MilvusAddress(
        uri,
        collection=collection,
        database=database,
        layout=Layout(_choice("layout", given["layout"], list(Layout))) if "layout" in given else None,
        root=_absolute("root", given["root"]) if "root" in given else None,
        index=given["index"].upper() if "index" in given else None,
        m=_number("m", given.get("m", "16"), 2, 2048),
        ef_construction=_number("ef_construction", given.get("ef_construction", "500"), 1, 32768),
        strategy=_choice("strategy", given["strategy"], STRATEGIES) if "strategy" in given else None,
        consistency=_choice("consistency", given.get("consistency", "strong"), CONSISTENCY).capitalize(),
        ca_file=Path(given["ca_file"]) if "ca_file" in given else None,
        token=(token or "").strip() or None,
    )


STRATEGIES = ("tokenann", "muvera", "lemur")
CONSISTENCY = ("strong", "session", "bounded", "eventually")

_OPTIONS = {
    "collection", "prefix", "layout", "root", "index", "m", "ef_construction", "strategy", "consistency", "ca_file",
}  # fmt: skip
_FORM = "A server's library: http(s)://host:19530/database?collection=NAME&layout=rows"


def _choice(name: str, value: str, choices: list[Layout] | tuple[str, ...]) -> str:
    if value.lower() not in choices:
        raise InputError(f"{name} must be one of {', '.join(choices)}, got {value!r}")
    return value.lower()


def _number(name: str, value: str, least: int, most: int) -> int:
    if not value.isdecimal() or not least <= int(value) <= most:
        raise InputError(f"{name} must be a whole number from {least:,} to {most:,}, got {value!r}")
    return int(value)


def _absolute(name: str, value: str) -> Path:
    path = Path(value).expanduser()
    if not path.is_absolute():
        raise InputError(f"{name} must be an absolute path, got {value!r}")
    return path
