"""Searches, hits and explanations."""

from __future__ import annotations

from typing import Any, Literal, Self
from urllib.parse import quote

from pydantic import BaseModel, Field

from maxsight import results
from maxsight.heatmaps import explanation as heatmaps
from maxsight.server.schemas.fields import (
    MORE,
    Names,
    Phrase,
    Query,
    Region,
    RequestModel,
    Rerank,
    TopK,
    Where,
    picture_links,
    source_of,
)
from maxsight.stores.phrases import MAX_PHRASES
from maxsight.types import Scalar


class Place(BaseModel):
    """A place on a page."""

    text: str
    region: Region | None
    more: list[Region] = Field(default=[], description=MORE)

    @classmethod
    def of(cls, region: results.Region) -> Self:
        """Convert a region of the library."""
        return cls(text=region.text, region=Region.of(region.box), more=Region.all_of(region.more))


class Match(BaseModel):
    """What one word of the query matched on a page."""

    word: str
    text: str = Field(description="The text it matched; empty for a place without text.")
    score: float = Field(description="Its share of the page's score.")
    region: Region | None = Field(description="The place; null for plain text and for the whole page.")
    more: list[Region] = Field(default=[], description=MORE)
    contrast: float = Field(
        description="How far it stands out from an average page of the library: 0 as there, 1 the same word."
    )
    common: bool = Field(description="Whether the word stands on nearly every page, such as `the`.")
    identical: bool = Field(description="Whether the page has the word to the letter.")
    places: list[Place] = Field(
        description="The places that have it to the letter, at most 100; else the one place."
    )
    token: int = Field(description="Number of the match, from 0: the `word` of a heatmap.")

    @classmethod
    def of(cls, match: results.Match, number: int) -> Self:
        """Convert a match of the library."""
        return cls(
            word=match.word,
            text=match.region.text,
            score=match.score,
            region=Region.of(match.region.box),
            more=Region.all_of(match.region.more),
            contrast=match.contrast,
            common=match.common,
            identical=match.identical,
            places=[Place.of(place) for place in match.places],
            token=number,
        )


class Boost(BaseModel):
    """What moved a page up, apart from its score."""

    kind: results.BoostKind = Field(
        description="`letter`: the page has something rare of the query to the letter. "
        "`name`: the query names its document."
    )
    words: str
    value: float = Field(description="What it adds to the score for the order.")

    @classmethod
    def all_of(cls, boosts: tuple[results.Boost, ...]) -> list[Self]:
        """Convert boosts of the library."""
        return [cls(kind=boost.kind, words=boost.words, value=boost.value) for boost in boosts]


class RegionGain(BaseModel):
    """The share of one region in a page's score."""

    text: str
    score: float
    region: Region | None
    more: list[Region] = Field(default=[], description=MORE)


class TokenGain(BaseModel):
    """What one token of the query matched, and its share of the score."""

    match: int | None = Field(description="Number of the match it belongs to; null for none.")
    word: str | None
    piece: str = Field(description="The token's part of its word; empty for a token that a model adds.")
    text: str = Field(description="The text it matched.")
    score: float
    region: Region | None
    more: list[Region] = Field(default=[], description=MORE)


class Explanation(BaseModel):
    """Why a page was found. The scores of the tokens sum to its score, and so do those of the regions."""

    page_id: str
    query: str
    path: str
    page_number: int
    score: float
    matches: list[Match]
    tokens: list[TokenGain]
    regions: list[RegionGain]
    boosts: list[Boost] = Field(description="What moves the page up in a search, apart from its score.")
    notes: list[str] = Field(description="What the matches do not show.")

    @classmethod
    def of(cls, page_id: str, explanation: heatmaps.Explanation) -> Self:
        """Convert an explanation of the library."""
        return cls(
            page_id=page_id,
            query=explanation.query,
            path=explanation.path,
            page_number=explanation.page_number,
            score=explanation.score,
            matches=matches_of(explanation.matches),
            tokens=[
                TokenGain(
                    match=gain.match,
                    word=gain.word,
                    piece=gain.piece,
                    text=gain.region.text,
                    score=gain.score,
                    region=Region.of(gain.region.box),
                    more=Region.all_of(gain.region.more),
                )
                for gain in explanation.tokens
            ],
            regions=[
                RegionGain(
                    text=gain.region.text,
                    score=gain.score,
                    region=Region.of(gain.region.box),
                    more=Region.all_of(gain.region.more),
                )
                for gain in explanation.regions
            ],
            boosts=Boost.all_of(explanation.boosts),
            notes=list(explanation.notes),
        )


class HitLinks(BaseModel):
    """Addresses of more about a hit."""

    page: str
    image: str
    thumbnail: str
    heatmap: str | None = Field(description="Null for hits of a page or a picture.")
    source: str | None = Field(description="The file, at this page; null for a group of records.")


class Hit(BaseModel):
    """A page that was found."""

    rank: int
    score: float = Field(description="Exact MaxSim, higher is better. Compare scores within one query only.")
    page_id: str
    document_id: str
    path: str
    file: str
    page_number: int
    snippet: str
    marks: list[tuple[int, int]] = Field(
        description="Where the snippet has words of the query to the letter: from one character to before another."
    )
    matches: list[Match]
    copies: list[str] = Field(description="Paths of other documents with the same content.")
    metadata: dict[str, Scalar]
    answers: float | None = Field(
        description="Of the first hit: the probability that the library answers; null if not learned for the encoder."
    )
    doubtful: bool = Field(description="Whether `answers` is so low that nothing here seems to answer.")
    rerank_score: float | None = Field(
        description="The reranker's score, by which hits are ordered then; null if it has not read the page."
    )
    boosts: list[Boost] = Field(
        description="What moved the page up, apart from its score: hits are in the order of score plus boosts."
    )
    links: HitLinks
    explanation: Explanation | None = None


class SearchRequest(RequestModel):
    """A search."""

    query: Query
    top_k: TopK = 10
    filter: Where | None = None
    exact: bool = Field(default=False, description="Score every page, not only the candidates.")
    names: Names = True
    phrases: list[Phrase] = Field(
        default=[], max_length=MAX_PHRASES, description="Only pages that have all of these to the letter."
    )
    group: Literal["document"] | None = Field(
        default=None, description="Put the pages of a document together, its best page first."
    )
    rerank: Rerank = None
    explain: bool = Field(default=False, description="Explain the score of every hit.")


class SearchParameters(SearchRequest):
    """A search as query parameters."""

    query: Query = Field(alias="q")


class SimilarParameters(RequestModel):
    """A search for pages like a page or a picture."""

    top_k: TopK = 10
    filter: Where | None = None
    exact: bool = Field(default=False, description="Score every page, not only the candidates.")

    def options(self) -> dict[str, Any]:
        """Return them as the library names them."""
        return {"top_k": self.top_k, "where": self.filter, "exact": self.exact}


class SearchResponse(BaseModel):
    """The hits, best first."""

    query: str = Field(description="The question; of a picture the words that were read in it, else empty.")
    took_ms: float
    notices: list[str] = Field(description="What to know before trusting the hits.")
    hits: list[Hit]


def matches_of(matches: tuple[results.Match, ...]) -> list[Match]:
    """Convert matches, in the order of the query."""
    return [Match.of(match, number) for number, match in enumerate(matches)]


def hit_of(hit: results.Hit, query: str) -> Hit:
    """Convert a hit of the library, and add its links."""
    links = picture_links(hit.page_id)
    return Hit(
        rank=hit.rank,
        score=hit.score,
        page_id=hit.page_id,
        document_id=hit.document_id,
        path=hit.path,
        file=hit.file,
        page_number=hit.page_number,
        snippet=hit.snippet,
        marks=list(hit.marks),
        matches=matches_of(hit.matches),
        copies=list(hit.copies),
        metadata=dict(hit.metadata),
        boosts=Boost.all_of(hit.boosts),
        answers=hit.answers,
        doubtful=hit.doubtful,
        rerank_score=hit.rerank_score,
        links=HitLinks(
            page=links["self"],
            image=links["image"],
            thumbnail=links["thumbnail"],
            heatmap=f"{links['self']}/heatmap?q={quote(query, safe='')}" if query else None,
            source=source_of(hit.path, hit.page_number),
        ),
    )
