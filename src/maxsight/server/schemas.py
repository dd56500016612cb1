"""What the API takes and gives, as OpenAPI describes it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Self
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from maxsight import types
from maxsight.heatmaps import explanation as heatmaps
from maxsight.identity import document_id, record_file
from maxsight.server.config import RequestLimits
from maxsight.types import Scalar

LIMITS = RequestLimits()
MOST_RESULTS = 100
THUMBNAIL_PX = 400

Query = Annotated[
    str,
    Field(description="The question.", examples=["how much did revenue grow?"]),
    StringConstraints(max_length=LIMITS.query_chars),
]
Where = Annotated[
    str,
    Field(
        description="SQL condition on `file`, `path`, `page_number` and your own fields.",
        examples=["year >= 2020 AND file LIKE '%.pdf'"],
    ),
    StringConstraints(max_length=LIMITS.filter_chars),
]
TopK = Annotated[int, Field(ge=1, le=MOST_RESULTS, description="How many pages at most.")]
Id = Annotated[str, StringConstraints(pattern="^[0-9a-f]{32}$")]


class Region(BaseModel):
    """A box on the page, in fractions of it as a person sees it: origin top left."""

    x0: float
    y0: float
    x1: float
    y1: float

    @classmethod
    def of(cls, box: tuple[float, float, float, float] | None) -> Self | None:
        """The box of a region; None where that has none, or is the whole page and so no place on it."""
        if box is None or box == types.WHOLE_PAGE:
            return None
        return cls(x0=box[0], y0=box[1], x1=box[2], y1=box[3])


class Match(BaseModel):
    """What one word of the query found on a page."""

    word: str
    text: str = Field(description="What it matched; empty where that is a place without text.")
    score: float = Field(description="Its share of the page's score.")
    region: Region | None = Field(description="Where; null for plain text and for the whole page.")
    token: int = Field(description="Its number: what a heatmap takes as `word`.")

    @classmethod
    def of(cls, match: types.Match, number: int) -> Self:
        """A match as the library has it."""
        return cls(
            word=match.word,
            text=match.region.text,
            score=match.score,
            region=Region.of(match.region.box),
            token=number,
        )


class RegionGain(BaseModel):
    """What one region of a page gave to its score."""

    text: str
    score: float
    region: Region | None


class TokenGain(BaseModel):
    """What one token of the query found, and gave to the score."""

    match: int | None = Field(description="Number of the match it is a part of; null for none.")
    word: str | None
    piece: str = Field(
        description="What of its word it says, all or a part; empty for a token that a model adds."
    )
    text: str = Field(description="What it found.")
    score: float
    region: Region | None


class Explanation(BaseModel):
    """Why a page was found. What the tokens gave sums to its score, and so does what the regions gave."""

    page_id: str
    query: str
    path: str
    page_number: int
    score: float
    matches: list[Match]
    tokens: list[TokenGain]
    regions: list[RegionGain]
    notes: list[str] = Field(description="What the matches do not show of the score.")

    @classmethod
    def of(cls, page_id: str, explanation: heatmaps.Explanation) -> Self:
        """An explanation as the library has it."""
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
                )
                for gain in explanation.tokens
            ],
            regions=[
                RegionGain(text=gain.region.text, score=gain.score, region=Region.of(gain.region.box))
                for gain in explanation.regions
            ],
            notes=list(explanation.notes),
        )


class HitLinks(BaseModel):
    """Where more about a hit is."""

    page: str
    image: str
    thumbnail: str
    heatmap: str
    source: str | None = Field(
        description="The file, at this page; null for a group of records, which has none."
    )


class Hit(BaseModel):
    """One page that was found."""

    rank: int
    score: float = Field(description="Exact MaxSim, higher is better. Comparable within one query only.")
    page_id: str
    document_id: str
    path: str
    file: str
    page_number: int
    snippet: str
    matches: list[Match]
    copies: list[str] = Field(description="Paths of other documents with the same content.")
    metadata: dict[str, Scalar]
    fused_score: float | None
    links: HitLinks
    explanation: Explanation | None = None


class SearchRequest(BaseModel):
    """What to search for, and how."""

    model_config = ConfigDict(extra="forbid")

    query: Query
    top_k: TopK = 10
    filter: Where | None = None
    hybrid: bool = Field(default=False, description="Order by the fusion with BM25 on the text.")
    exact: bool = Field(default=False, description="Score every page, not only the candidates.")
    explain: bool = Field(default=False, description="Say with every hit what each region gave.")


class SearchResponse(BaseModel):
    """Pages, best first."""

    query: str
    took_ms: float
    notices: list[str] = Field(description="What to know before trusting the hits.")
    hits: list[Hit]


class DocumentLinks(BaseModel):
    """Where more about a document is."""

    self: str
    source: str | None = Field(
        description="The file; null for a group of records, which has none of its own."
    )
    thumbnail: str | None


class ExpectedErrors(BaseModel):
    """What is expected of OCR on a document, where its pages have been judged (`maxsight index --quality`)."""

    model_config = ConfigDict(from_attributes=True)

    mean_cer: float = Field(description="Character error rate over the pages that have been judged.")
    worst_cer: float
    worst_page: int = Field(description="Number of the page that is worst.")
    judged: int = Field(description="Pages that have a number.")


class DocumentSummary(BaseModel):
    """One document."""

    document_id: str
    path: str
    file: str
    page_count: int = Field(description="Pages of the file, whether indexed or not.")
    pages_indexed: int
    complete: bool
    vectors: int
    size_bytes: int
    content_hash: str
    modified: datetime
    uploaded: bool = Field(description="Whether the file came by an upload, and goes when it is deleted.")
    metadata: dict[str, Scalar]
    quality: ExpectedErrors | None = Field(description="Null where no page has been judged.")
    links: DocumentLinks


class PageLinks(BaseModel):
    """Where more about a page is."""

    self: str
    image: str
    thumbnail: str


class PageSummary(BaseModel):
    """One page of a document."""

    page_id: str
    page_number: int
    metadata: dict[str, Scalar] = Field(description="What is said of this page alone, as `predicted_cer`.")
    links: PageLinks


class DocumentDetail(DocumentSummary):
    """One document with its pages."""

    pages: list[PageSummary]


class DocumentList(BaseModel):
    """Some of the documents, by path."""

    items: list[DocumentSummary]
    next_cursor: str | None = Field(description="Ask with it for what follows; null at the end.")
    total: int


class Word(BaseModel):
    """One word of a page."""

    text: str
    region: Region | None


class ImageSize(BaseModel):
    """Size of a page's picture at full width."""

    width: int
    height: int


class SourceState(StrEnum):
    """How the file of a page is, compared with when it was indexed."""

    AVAILABLE = "available"
    CHANGED = "changed"
    MISSING = "missing"
    RECORDS = "records"
    """The document is a group of records: it has no file of its own."""


class PageDetail(BaseModel):
    """One page with its text."""

    page_id: str
    document_id: str
    path: str
    file: str
    page_number: int
    page_count: int
    text: str
    text_source: str
    words: list[Word]
    regions: list[Region] = Field(description="Where its vectors come from; empty for plain text.")
    vectors: int
    metadata: dict[str, Scalar] = Field(description="Of the document, and of this page alone.")
    previous: str | None = Field(description="Id of the page before it.")
    next: str | None = Field(description="Id of the page after it.")
    image: ImageSize | None = Field(description="Shape of its picture; null for plain text.")
    source_state: SourceState
    links: dict[str, str | None]


class JobState(StrEnum):
    """How far a job is."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"


class FileState(StrEnum):
    """How far a file of a job is."""

    WAITING = "waiting"
    INDEXED = "indexed"
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"


class Problem(BaseModel):
    """What went wrong (RFC 9457)."""

    type: str = Field(description="Stable; what programs go by.")
    title: str
    status: int
    detail: str
    hint: str | None = Field(default=None, description="What to do next.")


class PageProblem(BaseModel):
    """A page that could not be read; the others of its file are indexed."""

    page_number: int
    reason: str
    hint: str | None


class JobFile(BaseModel):
    """One file of a job."""

    file: str
    document_id: str | None = None
    state: FileState = FileState.WAITING
    pages: int = 0
    reason: str | None = Field(default=None, description="Why it was skipped.")
    hint: str | None = None
    problems: list[PageProblem] = []


class Job(BaseModel):
    """Files on their way into the library."""

    job_id: str
    state: JobState
    share: float = Field(description="Of the work, in [0, 1].")
    pages: int = Field(description="Pages encoded so far.")
    judged: int = Field(
        description="Pages of which it was predicted how well OCR reads them, once all are encoded."
    )
    pages_per_s: float
    remaining_s: float | None
    files: list[JobFile]
    notices: list[str]
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    error: Problem | None
    links: dict[str, str]


class JobAccepted(BaseModel):
    """A job that will be done."""

    job_id: str
    links: dict[str, str]


class JobList(BaseModel):
    """Jobs of this server, newest first."""

    items: list[Job]


class EmbeddingRequest(BaseModel):
    """A text to be encoded as a query."""

    model_config = ConfigDict(extra="forbid")

    text: Query


class EmbeddingResponse(BaseModel):
    """Vectors of a query or of a page."""

    kind: str = Field(description="`query` or `page`.")
    encoder: str
    revision: str
    dim: int
    vectors: list[list[float]]
    words: list[str | None] | None = Field(description="Of a query: which word each vector belongs to.")
    regions: list[Region | None] | None = Field(
        description="Of a page: where each vector comes from; null for the whole page."
    )


class LibraryStatus(BaseModel):
    """What the library holds."""

    documents: int
    incomplete: int
    pages: int
    vectors: int
    size_bytes: int | None = Field(description="On the disk; null for a library in Milvus.")
    encoder: str
    revision: str
    dim: int
    pool_factor: int
    fields: dict[str, str]
    accepts: list[str] = Field(description="File name endings that can be uploaded.")
    read_only: bool
    upload_bytes: int = Field(description="Bytes that one upload may have.")
    upload_files: int = Field(description="Files that one upload may have.")
    answers: str | None = Field(description="The model that answers in words; null where none is configured.")
    version: str


class Health(BaseModel):
    """Whether the server can answer."""

    status: str


class SessionRequest(BaseModel):
    """The token that the server was started with."""

    model_config = ConfigDict(extra="forbid")

    token: Annotated[str, StringConstraints(max_length=1000)]


def matches_of(matches: tuple[types.Match, ...]) -> list[Match]:
    """Matches in the order of the query."""
    return [Match.of(match, number) for number, match in enumerate(matches)]


def hit_of(hit: types.Hit, query: str) -> Hit:
    """A hit as the library has it, with its links."""
    page = f"/v1/pages/{hit.page_id}"
    return Hit(
        rank=hit.rank,
        score=hit.score,
        page_id=hit.page_id,
        document_id=hit.document_id,
        path=hit.path,
        file=hit.file,
        page_number=hit.page_number,
        snippet=hit.snippet,
        matches=matches_of(hit.matches),
        copies=list(hit.copies),
        metadata=dict(hit.metadata),
        fused_score=hit.fused_score,
        links=HitLinks(
            page=page,
            image=f"{page}/image",
            thumbnail=f"{page}/image?width={THUMBNAIL_PX}",
            heatmap=f"{page}/heatmap?q={quote(query, safe='')}",
            source=source_of(hit.path, hit.page_number),
        ),
    )


def source_of(path: str, page_number: int | None = None) -> str | None:
    """Where a document's file is, at a page of it; None for a group of records."""
    if record_file(path):
        return None
    source = f"/v1/documents/{document_id(path)}/source"
    return source if page_number is None else f"{source}#page={page_number}"
