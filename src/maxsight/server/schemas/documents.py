"""Documents and their pages."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from maxsight.server.schemas.fields import Region
from maxsight.types import Scalar


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
