"""Fields that several models share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from maxsight import types
from maxsight.identity import document_id, record_file
from maxsight.server.config import RequestLimits
from maxsight.stores.phrases import MAX_PHRASE_LENGTH

LIMITS = RequestLimits()
MAX_RESULTS = 100
THUMBNAIL_PX = 400
Query = Annotated[
    str,
    Field(description="The question.", examples=["how much did revenue grow?"]),
    StringConstraints(max_length=LIMITS.query_chars),
]
Where = Annotated[
    str,
    Field(
        description="SQL condition on `file`, `path`, `page_number`, `text` and your own fields.",
        examples=["year >= 2020 AND file LIKE '%.pdf'"],
    ),
    StringConstraints(max_length=LIMITS.filter_chars),
]
Names = Annotated[
    bool,
    Field(description="Documents that the question names come before others of nearly their score."),
]
Rerank = Annotated[
    Annotated[str, StringConstraints(max_length=1000)] | None,
    Field(
        description="A second look at the first pages by the server's reranker, as `/v1/library` names it."
    ),
]
Phrase = Annotated[str, StringConstraints(min_length=1, max_length=MAX_PHRASE_LENGTH)]
TopK = Annotated[int, Field(ge=1, le=MAX_RESULTS, description="How many pages at most.")]
Id = Annotated[str, StringConstraints(pattern="^[0-9a-f]{32}$")]


class RequestModel(BaseModel):
    """The JSON of a request. Unknown fields are refused."""

    model_config = ConfigDict(extra="forbid")


class Region(BaseModel):
    """A box on the page, in fractions of it as a person sees it: origin top left."""

    x0: float
    y0: float
    x1: float
    y1: float

    @classmethod
    def of(cls, box: tuple[float, float, float, float] | None) -> Self | None:
        """Take the box of a region; None if it has none, or is the whole page."""
        if box is None or box == types.WHOLE_PAGE:
            return None
        return cls(x0=box[0], y0=box[1], x1=box[2], y1=box[3])

    @classmethod
    def all_of(cls, boxes: Iterable[tuple[float, float, float, float]]) -> list[Self]:
        """Take several boxes."""
        return [region for box in boxes if (region := cls.of(box)) is not None]


MORE = "The other parts of its word, if the word is divided between lines."


class Problem(BaseModel):
    """What went wrong (RFC 9457)."""

    type: str = Field(description="Stable, for programs.")
    title: str
    status: int
    detail: str
    hint: str | None = Field(default=None, description="What to do next.")


BINARY = {"type": "string", "format": "binary"}


def form_schema(field: str, content: dict[str, Any]) -> dict[str, Any]:
    """Describe a form of one field, for OpenAPI."""
    return {"type": "object", "required": [field], "properties": {field: content}}


def picture_links(page_id: str) -> dict[str, str]:
    """Addresses of a page, its picture and its thumbnail."""
    page = f"/v1/pages/{page_id}"
    return {"self": page, "image": f"{page}/image", "thumbnail": f"{page}/image?width={THUMBNAIL_PX}"}


def source_of(path: str, page_number: int | None = None) -> str | None:
    """Address of a document's file, at one of its pages; None for a group of records."""
    if record_file(path):
        return None
    source = f"/v1/documents/{document_id(path)}/source"
    return source if page_number is None else f"{source}#page={page_number}"
