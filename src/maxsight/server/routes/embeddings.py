"""Vectors of a text or of a page, for use elsewhere."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from fastapi import APIRouter, Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from maxsight.server.schemas import fields
from maxsight.server.schemas import library as schemas
from maxsight.server.schemas.fields import BINARY, form_schema
from maxsight.server.security import FORM, media_type_of
from maxsight.server.service import Served, Service
from maxsight.server.upload_form import Incoming

router = APIRouter(tags=["embeddings"])

MAX_FILE_BYTES = 50_000_000
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": schemas.EmbeddingRequest.model_json_schema()},
            FORM: {"schema": form_schema("file", BINARY)},
        },
    }
}


@router.post("/v1/embeddings", openapi_extra=_BODY)
async def embed(service: Served, request: Request) -> schemas.EmbeddingResponse:
    """Encode a text as a query, or a file of one page as a page. Nothing is stored."""
    if media_type_of(request.headers) == FORM:
        return await _embed_file(service, request)
    try:
        wanted = schemas.EmbeddingRequest.model_validate_json(await request.body())
    except ValidationError as error:
        raise RequestValidationError(error.errors()) from error
    return await service.run(_embed_text, service, wanted.text)


async def _embed_file(service: Service, request: Request) -> schemas.EmbeddingResponse:
    limits = replace(service.settings.limits, upload_bytes=MAX_FILE_BYTES, upload_files=1)
    async with service.receiving(request, limits, field="file") as incoming:
        return await service.run(_embed_page, service, incoming)


def _embed_text(service: Service, text: str) -> schemas.EmbeddingResponse:
    query = service.reader.encode_query(text)
    return schemas.EmbeddingResponse(
        kind="query",
        **_space(service),
        vectors=query.vectors.tolist(),
        words=[query.words[index] if index >= 0 else None for index in query.word_index],
        regions=None,
    )


def _embed_page(service: Service, incoming: Incoming) -> schemas.EmbeddingResponse:
    received = incoming.files[0]
    if received.refused or received.path is None:
        raise received.refused or AssertionError("a file that is not refused has a place")
    file = received.path.rename(incoming.folder / received.name)  # the suffix says how to read it
    limits = replace(service.settings.reading, max_pages=1)
    settings = replace(service.reader.settings, limits=limits)
    (embedding,) = service.reader.encode_file(file, settings=settings)
    boxes = embedding.regions.boxes
    return schemas.EmbeddingResponse(
        kind="page",
        **_space(service),
        vectors=embedding.vectors.tolist(),
        words=None,
        regions=None if boxes is None else [fields.Region.of(tuple(box)) for box in boxes.tolist()],
    )


def _space(service: Service) -> dict[str, Any]:
    space = service.reader.space
    return {"encoder": space.encoder, "revision": space.revision, "dim": space.dim}
