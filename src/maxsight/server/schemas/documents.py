"""Documents and their pages."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from maxsight.server.schemas.fields import MORE, Region
from maxsight.types import Scalar


class DocumentLinks(BaseModel):
    """Addresses of more about a document."""

    self: str
    source: str | None = Field(description="The file; null for a group of records, which has none.")
    thumbnail: str | None


class ExpectedErrors(BaseModel):
    """Predicted error rates of OCR on a document whose pages have been judged (`maxsight index --quality`)."""

    model_config = ConfigDict(from_attributes=True)

    mean_cer: float = Field(description="Mean character error rate of the judged pages.")
    worst_cer: float
    worst_page: int = Field(description="Number of the worst page.")
    judged: int = Field(description="Pages that have been judged.")


class DocumentSummary(BaseModel):
    """One document."""

    document_id: str
    path: str
    file: str
    page_count: int = Field(description="Pages of the file, indexed or not.")
    pages_indexed: int
    complete: bool
    vectors: int
    size_bytes: int
    content_hash: str
    modified: datetime
    uploaded: bool = Field(description="Whether the file was uploaded. It is then deleted with the document.")
    metadata: dict[str, Scalar]
    scanned: int = Field(description="Pages that OCR has read.")
    misread: int = Field(
        description="Pages of these that OCR has probably misread, as far as they are judged."
    )
    quality: ExpectedErrors | None = Field(description="Null where no page has been judged.")
    links: DocumentLinks


class PageLinks(BaseModel):
    """Addresses of more about a page."""

    self: str
    image: str
    thumbnail: str


class PageSummary(BaseModel):
    """One page of a document."""

    page_id: str
    page_number: int
    metadata: dict[str, Scalar] = Field(description="Fields of this page alone, as `predicted_cer`.")
    links: PageLinks


class DocumentDetail(DocumentSummary):
    """One document with its pages."""

    pages: list[PageSummary]


class DocumentList(BaseModel):
    """A part of the list of documents, by path."""

    items: list[DocumentSummary]
    next_cursor: str | None = Field(description="The `cursor` of the next request; null at the end.")
    total: int


class FoundPage(BaseModel):
    """A page that has a text."""

    page_id: str
    page_number: int
    places: list[list[Region]] = Field(description="For each place, the boxes of its words.")


class FoundText(BaseModel):
    """The pages of a document that have a text."""

    total: int = Field(description="How many places there are; the pages have the first 1,000.")
    pages: list[FoundPage]


class Word(BaseModel):
    """One word of a page."""

    text: str
    region: Region | None
    more: list[Region] = Field(default=[], description=MORE)


class ImageSize(BaseModel):
    """Size of a page's picture at full width."""

    width: int
    height: int


class SourceState(StrEnum):
    """The state of a page's file, compared with when it was indexed."""

    AVAILABLE = "available"
    CHANGED = "changed"
    MISSING = "missing"
    RECORDS = "records"
    """The document is a group of records, without a file of its own."""


class TextRun(BaseModel):
    """Consecutive words that come from one source."""

    source: str
    words: int
    reason: str | None = Field(description="Why OCR read them: garbled, drawn or asked.")


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
    text_runs: list[TextRun] = Field(
        description="Sources of its words in order, where they differ or have a reason."
    )
    words: list[Word]
    regions: list[Region] = Field(description="Places of its vectors; empty for plain text.")
    vectors: int
    metadata: dict[str, Scalar] = Field(description="Fields of the document and of this page alone.")
    previous: str | None = Field(description="Id of the page before it.")
    next: str | None = Field(description="Id of the page after it.")
    image: ImageSize | None = Field(description="Shape of its picture; null for plain text.")
    source_state: SourceState
    links: dict[str, str | None]
