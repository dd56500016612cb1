"""A server's responses as values and errors of this package."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from maxsight import results, types
from maxsight.client.pages import Get, PageOfServer, corners
from maxsight.errors import EndpointError, EndpointUnavailableError, InputError, MaxSightError
from maxsight.heatmaps.explanation import RegionGain, TokenGain

PROBLEM = "application/problem+json"
BUSY = (429, 502, 503, 504)
REFUSED = (400, 413, 422)
_SAME_IN_HITS = (
    "rank", "score", "page_id", "document_id", "path", "file", "page_number", "snippet", "metadata",
    "answers", "doubtful", "rerank_score",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Answer:
    """The result of a search.

    Attributes:
        hits: The pages, best first.
        notices: What to know before you trust them.
    """

    hits: results.Hits
    notices: list[str]


@dataclass(frozen=True, slots=True)
class RemoteExplanation:
    """Why a page would be found: a ``heatmaps.Explanation`` without the vectors that pictures need.

    Attributes:
        query: The query.
        path: The page's document.
        page_number: From 1.
        score: The page's score.
        matches: What each word of the query matched.
        tokens: What each token matched, and its share of the score.
        regions: The share of each region in the score.
        boosts: What moves the page up in a search, apart from its score.
        notes: What the matches do not show.
    """

    query: str
    path: str
    page_number: int
    score: float
    matches: tuple[results.Match, ...]
    tokens: tuple[TokenGain, ...]
    regions: tuple[RegionGain, ...]
    boosts: tuple[results.Boost, ...]
    notes: tuple[str, ...]


def read_answer(query: str, response: Mapping[str, Any], get: Get) -> Answer:
    """Read the response to a search. The pages of its hits are read with ``get`` when they are asked for."""
    hits = (
        results.Hit(
            **{name: hit[name] for name in _SAME_IN_HITS},
            matches=_matches(hit),
            copies=tuple(hit["copies"]),
            marks=tuple((start, end) for start, end in hit["marks"]),
            boosts=_boosts(hit),
        ).found_by(PageOfServer(get, hit["page_id"], query))
        for hit in response["hits"]
    )
    return Answer(results.Hits(hits, query), [str(notice) for notice in response["notices"]])


def read_explanation(response: Mapping[str, Any]) -> RemoteExplanation:
    """Read the response to an explanation."""
    return RemoteExplanation(
        query=response["query"],
        path=response["path"],
        page_number=response["page_number"],
        score=response["score"],
        matches=_matches(response),
        tokens=tuple(
            TokenGain(gain["match"], gain["word"], gain["piece"], gain["score"], _region(gain))
            for gain in response["tokens"]
        ),
        regions=tuple(RegionGain(_region(gain), gain["score"]) for gain in response["regions"]),
        boosts=_boosts(response),
        notes=tuple(response["notes"]),
    )


def read_error(url: str, response: httpx.Response) -> MaxSightError:
    """Read an error of the server. An error of the library keeps its class."""
    busy = response.status_code in BUSY
    if response.headers.get("content-type", "").partition(";")[0] != PROBLEM:
        return (
            EndpointUnavailableError(f"{url} answers {response.status_code}") if busy else other_program(url)
        )
    try:
        problem = response.json()
        slug = str(problem["type"]).rpartition("/")[2]
        message, hint = str(problem["detail"]), problem.get("hint")
    except (ValueError, KeyError, TypeError, AttributeError):
        return other_program(url)
    if response.status_code == 401:
        return EndpointError(f"{url}: {message}", hint="Give --token, or set MAXSIGHT_API_TOKEN.")
    known = {kind.slug(): kind for kind in _simple_kinds(MaxSightError)}
    if slug in known:
        return known[slug](message, hint=hint)
    if busy:
        return EndpointUnavailableError(f"{url}: {message}", hint=hint)
    if response.status_code in REFUSED:
        return InputError(message, hint=hint)
    return EndpointError(f"{url}: {message}", hint=hint)


def other_program(url: str) -> EndpointError:
    """Make the error of an address where another program answers."""
    return EndpointError(f"no maxsight server answers at {url}", hint="Check the address and the port.")


def _matches(response: Mapping[str, Any]) -> tuple[results.Match, ...]:
    return tuple(
        results.Match(
            match["word"],
            match["score"],
            _region(match),
            match["contrast"],
            match["common"],
            match["identical"],
            tuple(map(_region, match["places"])),
        )
        for match in response["matches"]
    )


def _boosts(response: Mapping[str, Any]) -> tuple[results.Boost, ...]:
    return tuple(
        results.Boost(results.BoostKind(boost["kind"]), boost["words"], boost["value"])
        for boost in response["boosts"]
    )


def _region(response: Mapping[str, Any]) -> results.Region:
    box, text = response["region"], response["text"]
    if box is not None:
        return results.Region(corners(box), text, tuple(map(corners, response.get("more", []))))
    return results.Region(None, text) if text else results.Region(types.WHOLE_PAGE, text)


def _simple_kinds(kind: type[MaxSightError]) -> Iterator[type[MaxSightError]]:
    """Error classes that take a message and a hint alone."""
    for narrower in kind.__subclasses__():
        if narrower.__init__ is MaxSightError.__init__:
            yield narrower
        yield from _simple_kinds(narrower)
