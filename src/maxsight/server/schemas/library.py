"""The library as a whole, the server, and vectors."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from maxsight.server.schemas.fields import Query, Region


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
