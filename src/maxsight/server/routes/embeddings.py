"""Vectors of a text or of a page, for use elsewhere."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from maxsight.documents import ReadSettings
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
    async with receiving_a_file(service, request) as incoming:
        return await service.run(_embed_page, service, incoming)


def receiving_a_file(service: Service, request: Request) -> AbstractAsyncContextManager[Incoming]:
    """Receive a form with one file, ``file``; see ``Service.receiving``."""
    limits = replace(service.settings.limits, upload_bytes=MAX_FILE_BYTES, upload_files=1)
    return service.receiving(request, limits, field="file")


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
    file, settings = file_of_one_page(service, incoming)
    (embedding,) = service.reader.encode_file(file, settings=settings)
    boxes = embedding.regions.boxes
    return schemas.EmbeddingResponse(
        kind="page",
        **_space(service),
        vectors=embedding.vectors.tolist(),
        words=None,
        regions=None if boxes is None else [fields.Region.of(tuple(box)) for box in boxes.tolist()],
    )


def file_of_one_page(service: Service, incoming: Incoming) -> tuple[Path, ReadSettings]:
    """Find a received file, and say how a file of one page is read.

    Raises:
        UnsupportedFormatError: Files of its kind are not read.
    """
    received = incoming.files[0]
    if received.refused or received.path is None:
        raise received.refused or AssertionError("a file that is not refused has a place")
    file = received.path.rename(incoming.folder / received.name)  # the suffix says how to read it
    limits = replace(service.settings.reading, max_pages=1)
    return file, replace(service.reader.settings, limits=limits)


def _space(service: Service) -> dict[str, Any]:
    space = service.reader.space
    return {"encoder": space.encoder, "revision": space.revision, "dim": space.dim}
