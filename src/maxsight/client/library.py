"""A library behind a server: searched over HTTP, with the same hits and the same errors as one on this machine."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote, urlsplit

import httpx

from maxsight.errors import (
    EndpointError,
    EndpointUnavailableError,
    InputError,
    MaxSightError,
    UnknownDocumentError,
)
from maxsight.heatmaps.explanation import RegionGain, TokenGain
from maxsight.library.naming import Names, unknown_page
from maxsight.results import Hit, Match, Region
from maxsight.types import WHOLE_PAGE
from maxsight.version import __version__

TIMEOUT_S = 60.0
MOST_LISTED = 1000  # of an answer
PROBLEM = "application/problem+json"
BUSY = (429, 502, 503, 504)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a search found.

    Attributes:
        hits: Best first.
        notices: What to know before trusting them.
    """

    hits: list[Hit]
    notices: list[str]


@dataclass(frozen=True, slots=True)
class RemoteExplanation:
    """Why a page would be found: what ``heatmaps.Explanation`` says, without what its pictures are drawn from."""

    query: str
    path: str
    page_number: int
    score: float
    matches: tuple[Match, ...]
    tokens: tuple[TokenGain, ...]
    regions: tuple[RegionGain, ...]
    notes: tuple[str, ...]


class RemoteLibrary:
    """A library that `maxsight serve` holds.

    Args:
        url: Where the server is: ``http://127.0.0.1:8000``.
        token: What the server wants to be shown, if anything.
        timeout_s: Seconds to wait for an answer.

    Raises:
        InputError: The address is none of HTTP.
    """

    def __init__(self, url: str, *, token: str | None = None, timeout_s: float = TIMEOUT_S) -> None:
        try:
            parts = urlsplit(url)
            usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        except ValueError:
            usable = False
        if not usable:
            raise InputError(f"{url!r} is not the address of a server", hint="Give one as http://host:8000.")
        headers = {"User-Agent": f"maxsight/{__version__}", "Accept": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {token.strip()}"
        self.url = url.rstrip("/")
        # Redirects are not followed: the token is for this server alone.
        self._http = httpx.Client(base_url=self.url, headers=headers, timeout=timeout_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def search(
        self,
        query: str,
        *,
        top_k: int = 10,
        where: str | None = None,
        hybrid: bool = False,
        exact: bool = False,
    ) -> Answer:
        """Find the pages that answer a question, as ``Library.search`` does.

        Raises:
            EndpointUnavailableError: The server can't be reached, is busy or takes too long.
            EndpointError: It refuses the token, or is no maxsight server.
            MaxSightError: What ``Library.search`` raises.
        """
        asked = {"query": query, "top_k": top_k, "filter": where, "hybrid": hybrid, "exact": exact}
        with self._understood():
            found = self._ask("POST", "/v1/search", json=asked)
            return Answer([_hit(hit) for hit in found["hits"]], [str(notice) for notice in found["notices"]])

    def explain(self, query: str, file: str, page_number: int) -> RemoteExplanation:
        """Say why a page would be found, as ``Library.explain`` does.

        Raises:
            MaxSightError: As for ``search``.
            UnknownDocumentError: There is no such document.
            UnknownPageError: It has no such page.
            InputError: The name fits several documents.
        """
        with self._understood():
            document = self._ask("GET", self._find(file))
            ids = {page["page_number"]: page["page_id"] for page in document["pages"]}
            if page_number not in ids:
                raise unknown_page(document["path"], document["page_count"], page_number)
            address = f"/v1/pages/{quote(ids[page_number], safe='')}/explanation"
            return _explanation(self._ask("GET", address, params={"q": query}))

    def _find(self, file: str) -> str:
        """The address of the document that is meant; all are looked at only to say what may be meant instead."""
        ending = re.sub(r"([\\%_])", r"\\\1", file).replace("'", "''")
        known = self._documents(f"path LIKE '%{ending}'")
        try:
            return known[Names(known).find(file)]
        except UnknownDocumentError:
            known = self._documents(None)
            return known[Names(known).find(file)]

    def _documents(self, where: str | None) -> dict[str, str]:
        """Addresses of documents by their paths."""
        found: dict[str, str] = {}
        asked: dict[str, str | int] = {"limit": MOST_LISTED, **({"filter": where} if where else {})}
        while True:
            listed = self._ask("GET", "/v1/documents", params=asked)
            found |= {
                item["path"]: f"/v1/documents/{quote(item['document_id'], safe='')}"
                for item in listed["items"]
            }
            if listed["next_cursor"] in (None, asked.get("cursor")):
                return found
            asked["cursor"] = listed["next_cursor"]

    def _ask(self, method: str, address: str, **asked: Any) -> Any:
        try:
            response = self._http.request(method, address, **asked)
        except httpx.TimeoutException as error:
            raise EndpointUnavailableError(
                f"{self.url} has not answered in time", hint="Try again, or ask whoever runs the server."
            ) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            if isinstance(error, httpx.InvalidURL) and "params" in asked:
                raise InputError(
                    "the query is too long for an address", hint="Ask with fewer words."
                ) from error
            raise EndpointUnavailableError(
                f"{self.url} can't be reached: {error}",
                hint="Start it with `maxsight serve`, or check the address.",
            ) from error
        except UnicodeEncodeError as error:
            raise InputError("the query is not valid UTF-8 text", hint="Type it anew.") from error
        if not response.is_success:
            raise _error_of(self.url, response)
        return response.json()

    @contextmanager
    def _understood(self) -> Iterator[None]:
        """Take an answer that lacks what every answer of ours has for that of another program."""
        try:
            yield
        except MaxSightError:
            raise
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise _no_server(self.url) from error


def _hit(hit: Mapping[str, Any]) -> Hit:
    return Hit(
        rank=hit["rank"],
        score=hit["score"],
        page_id=hit["page_id"],
        document_id=hit["document_id"],
        path=hit["path"],
        file=hit["file"],
        page_number=hit["page_number"],
        snippet=hit["snippet"],
        matches=_matches(hit),
        copies=tuple(hit["copies"]),
        fused_score=hit["fused_score"],
        metadata=hit["metadata"],
    )


def _explanation(told: Mapping[str, Any]) -> RemoteExplanation:
    return RemoteExplanation(
        query=told["query"],
        path=told["path"],
        page_number=told["page_number"],
        score=told["score"],
        matches=_matches(told),
        tokens=tuple(
            TokenGain(
                gain["match"],
                gain["word"],
                gain["piece"],
                gain["score"],
                _region(gain["region"], gain["text"]),
            )
            for gain in told["tokens"]
        ),
        regions=tuple(
            RegionGain(_region(gain["region"], gain["text"]), gain["score"]) for gain in told["regions"]
        ),
        notes=tuple(told["notes"]),
    )


def _matches(told: Mapping[str, Any]) -> tuple[Match, ...]:
    return tuple(
        Match(match["word"], match["score"], _region(match["region"], match["text"]))
        for match in told["matches"]
    )


def _region(box: Mapping[str, float] | None, text: str) -> Region:
    if box is not None:
        return Region((box["x0"], box["y0"], box["x1"], box["y1"]), text)
    return Region(None, text) if text else Region(WHOLE_PAGE, text)


def _error_of(url: str, response: httpx.Response) -> MaxSightError:
    """The error that the server had, of its own class where it is one of the library's."""
    busy = response.status_code in BUSY
    if response.headers.get("content-type", "").partition(";")[0] != PROBLEM:
        return EndpointUnavailableError(f"{url} answers {response.status_code}") if busy else _no_server(url)
    try:
        problem = response.json()
        slug = str(problem["type"]).rpartition("/")[2]
        message, hint = str(problem["detail"]), problem.get("hint")
    except (ValueError, KeyError, TypeError, AttributeError):
        return _no_server(url)
    if response.status_code == 401:
        return EndpointError(f"{url}: {message}", hint="Give --token, or set MAXSIGHT_API_TOKEN.")
    known = {kind.slug(): kind for kind in _kinds(MaxSightError)}
    if slug in known:
        return known[slug](message, hint=hint)
    if busy:
        return EndpointUnavailableError(f"{url}: {message}", hint=hint)
    if response.status_code in (400, 413, 422):
        return InputError(message, hint=hint)
    return EndpointError(f"{url}: {message}", hint=hint)


def _kinds(kind: type[MaxSightError]) -> Iterator[type[MaxSightError]]:
    """Errors that are made of a message and a hint."""
    for narrower in kind.__subclasses__():
        if narrower.__init__ is MaxSightError.__init__:
            yield narrower
        yield from _kinds(narrower)


def _no_server(url: str) -> EndpointError:
    return EndpointError(
        f"what answers at {url} is no maxsight server", hint="Check the address and the port."
    )
