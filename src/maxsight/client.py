"""A library behind a server: searched over HTTP, with the same hits and the same errors as one on this machine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import httpx

from maxsight import __version__, types
from maxsight.errors import EndpointError, EndpointUnavailableError, InputError, MaxSightError

TIMEOUT_S = 60.0
PROBLEM = "application/problem+json"
BUSY = (429, 502, 503, 504)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a search found.

    Attributes:
        hits: Best first.
        notices: What to know before trusting them.
    """

    hits: list[types.Hit]
    notices: list[str]


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
        try:
            response = self._http.post("/v1/search", json=asked)
        except httpx.TimeoutException as error:
            raise EndpointUnavailableError(
                f"{self.url} has not answered in time", hint="Try again, or ask whoever runs the server."
            ) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise EndpointUnavailableError(
                f"{self.url} can't be reached: {error}",
                hint="Start it with `maxsight serve`, or check the address.",
            ) from error
        except UnicodeEncodeError as error:
            raise InputError("the query is not valid UTF-8 text", hint="Type it anew.") from error
        if not response.is_success:
            raise _error_of(self.url, response)
        try:
            found = response.json()
            return Answer([_hit(hit) for hit in found["hits"]], [str(notice) for notice in found["notices"]])
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise _no_server(self.url) from error


def _hit(hit: Mapping[str, Any]) -> types.Hit:
    return types.Hit(
        rank=hit["rank"],
        score=hit["score"],
        page_id=hit["page_id"],
        document_id=hit["document_id"],
        path=hit["path"],
        file=hit["file"],
        page_number=hit["page_number"],
        snippet=hit["snippet"],
        matches=tuple(
            types.Match(match["word"], match["score"], _region(match["region"], match["text"]))
            for match in hit["matches"]
        ),
        copies=tuple(hit["copies"]),
        fused_score=hit["fused_score"],
        metadata=hit["metadata"],
    )


def _region(box: Mapping[str, float] | None, text: str) -> types.Region:
    if box is not None:
        return types.Region((box["x0"], box["y0"], box["x1"], box["y1"]), text)
    return types.Region(None, text) if text else types.Region(types.WHOLE_PAGE, text)


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
