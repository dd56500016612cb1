"""The library, the server, sessions and vectors."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field, StringConstraints

from maxsight.server.schemas.fields import Query, Region, RequestModel


class EmbeddingRequest(RequestModel):
    """A text to encode as a query."""

    text: Query


class EmbeddingResponse(BaseModel):
    """Vectors of a query or of a page."""

    kind: str = Field(description="`query` or `page`.")
    encoder: str
    revision: str
    dim: int
    vectors: list[list[float]]
    words: list[str | None] | None = Field(description="Of a query: the word of each vector.")
    regions: list[Region | None] | None = Field(
        description="Of a page: the place of each vector; null for the whole page."
    )


class LibraryStatus(BaseModel):
    """The state of the library and the server."""

    documents: int
    incomplete: int
    pages: int
    vectors: int
    size_bytes: int | None = Field(description="Size on the disk; null for a library in Milvus.")
    damage: list[str] = Field(
        description="Commits that are undone, and damaged pages that are left out until a command writes."
    )
    encoder: str
    revision: str
    dim: int
    pool_factor: int
    fields: dict[str, str]
    accepts: list[str] = Field(description="File name endings that can be uploaded.")
    read_only: bool
    upload_bytes: int = Field(description="Maximum bytes of one upload.")
    upload_files: int = Field(description="Maximum files of one upload.")
    answers: str | None = Field(description="The model that answers questions; null if none is configured.")
    reranker: str | None = Field(description="The model that takes a second look at searches; null for none.")
    version: str


class Health(BaseModel):
    """State of the server."""

    status: str


class SessionRequest(RequestModel):
    """The token that the server was started with."""

    token: Annotated[str, StringConstraints(max_length=1000)]
