"""The connection to a server, and what can be asked over it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote, urlsplit

import httpx

from maxsight.client.responses import (
    Answer,
    RemoteExplanation,
    other_program,
    read_answer,
    read_error,
    read_explanation,
)
from maxsight.errors import EndpointUnavailableError, InputError, MaxSightError, UnknownDocumentError
from maxsight.library.naming import Names, unknown_page
from maxsight.stores.filters import write_equality
from maxsight.version import __version__

TIMEOUT_S = 60.0
MAX_LISTED = 1000


class RemoteLibrary:
    """A library that `maxsight serve` holds.

    Args:
        url: The server's address: ``http://127.0.0.1:8000``.
        token: The server's token, if it has one.
        timeout_s: Seconds to wait for an answer.

    Raises:
        InputError: The address is not an HTTP address.
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
        headers["X-Requested-With"] = "maxsight"  # no web form sends it
        if token:
            headers["Authorization"] = f"Bearer {token.strip()}"
        self.url = url.rstrip("/")
        # No redirects are followed: the token is for this server alone.
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
        where: str | Mapping[str, Any] | None = None,
        exact: bool = False,
        names: bool = True,
        phrases: Sequence[str] = (),
        rerank: str | None = None,
    ) -> Answer:
        """Find the pages that answer a question, as ``Library.search`` does. ``rerank`` names the server's reranker.

        Raises:
            EndpointUnavailableError: The server can't be reached, is busy or takes too long.
            EndpointError: The server refuses the token, or is not a maxsight server.
            MaxSightError: As for ``Library.search``.
        """
        body = {
            "query": query,
            **_options(top_k, where, exact),
            "names": names,
            "phrases": list(phrases),
            "rerank": rerank,
        }
        with self._reading():
            return read_answer(query, self._request("POST", "/v1/search", json=body), self._get)

    def search_like(
        self,
        file: str,
        page_number: int,
        *,
        top_k: int = 10,
        where: str | Mapping[str, Any] | None = None,
        exact: bool = False,
    ) -> Answer:
        """Find more pages like one of the library, as ``Library.search_like`` does.

        Raises:
            MaxSightError: As for ``search`` and ``explain``.
        """
        with self._reading():
            address = f"{self._page(file, page_number)}/similar"
            answer = self._request("GET", address, params=_options(top_k, where, exact))
            return read_answer("", answer, self._get)

    def search_image(
        self,
        file: str | PathLike[str],
        *,
        top_k: int = 10,
        where: str | Mapping[str, Any] | None = None,
        exact: bool = False,
    ) -> Answer:
        """Find pages like a picture, as ``Library.search_image`` does. The picture is sent to the server.

        Raises:
            OSError: The picture can't be read.
            MaxSightError: As for ``search``.
        """
        picture = {"file": (Path(file).name, Path(file).read_bytes())}
        with self._reading():
            params = _options(top_k, where, exact)
            answer = self._request("POST", "/v1/search/image", params=params, files=picture)
            return read_answer(answer["query"], answer, self._get)

    def explain(self, query: str, file: str, page_number: int) -> RemoteExplanation:
        """Explain why a page would be found, as ``Library.explain`` does.

        Raises:
            MaxSightError: As for ``search``.
            UnknownDocumentError: There is no such document.
            UnknownPageError: It has no such page.
            InputError: The name fits several documents.
        """
        with self._reading():
            address = f"{self._page(file, page_number)}/explanation"
            return read_explanation(self._request("GET", address, params={"q": query}))

    def _page(self, file: str, page_number: int) -> str:
        """Find the address of a page."""
        document = self._request("GET", self._find(file))
        ids = {page["page_number"]: page["page_id"] for page in document["pages"]}
        if page_number not in ids:
            raise unknown_page(document["path"], document["page_count"], page_number)
        return f"/v1/pages/{quote(ids[page_number], safe='')}"

    def _find(self, file: str) -> str:
        """Find the address of a document. All are listed only to suggest another name."""
        ending = re.sub(r"([\\%_])", r"\\\1", file).replace("'", "''")
        known = self._documents(f"path LIKE '%{ending}'")
        try:
            return known[Names(known).find(file)]
        except UnknownDocumentError:
            known = self._documents(None)
            return known[Names(known).find(file)]

    def _documents(self, where: str | None) -> dict[str, str]:
        """List the addresses of documents by their paths."""
        found: dict[str, str] = {}
        params: dict[str, str | int] = {"limit": MAX_LISTED, **({"filter": where} if where else {})}
        while True:
            listed = self._request("GET", "/v1/documents", params=params)
            found |= {
                item["path"]: f"/v1/documents/{quote(item['document_id'], safe='')}"
                for item in listed["items"]
            }
            if listed["next_cursor"] in (None, params.get("cursor")):
                return found
            params["cursor"] = listed["next_cursor"]

    def _get(self, address: str, *, content: bool = False, **options: Any) -> Any:
        """Get JSON, or the bytes of a picture."""
        with self._reading():
            response = self._send("GET", address, **options)
            return response.content if content else response.json()

    def _request(self, method: str, address: str, **content: Any) -> Any:
        return self._send(method, address, **content).json()

    def _send(self, method: str, address: str, **content: Any) -> httpx.Response:
        try:
            response = self._http.request(method, address, **content)
        except httpx.TimeoutException as error:
            raise EndpointUnavailableError(
                f"{self.url} has not answered in time", hint="Try again, or ask the server's administrator."
            ) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            if isinstance(error, httpx.InvalidURL) and "params" in content:
                raise InputError(
                    "the query is too long for an address", hint="Ask with fewer words."
                ) from error
            raise EndpointUnavailableError(
                f"{self.url} can't be reached: {error}",
                hint="Start it with `maxsight serve`, or check the address.",
            ) from error
        except UnicodeEncodeError as error:
            raise InputError("the query is not valid UTF-8 text", hint="Type it again.") from error
        if not response.is_success:
            raise read_error(self.url, response)
        return response

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Treat a malformed response as coming from another program."""
        try:
            yield
        except MaxSightError:
            raise
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise other_program(self.url) from error


def _options(top_k: int, where: str | Mapping[str, Any] | None, exact: bool) -> dict[str, Any]:
    where = write_equality(where) if isinstance(where, Mapping) else where
    return {"top_k": top_k, "exact": exact, **({"filter": where} if where else {})}
