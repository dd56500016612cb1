"""Search with a page or a picture as the question."""

from __future__ import annotations

import time
from typing import Annotated

from fastapi import APIRouter, Query, Request

from maxsight.results import Hits
from maxsight.server.routes.embeddings import file_of_one_page, receiving_a_file
from maxsight.server.routes.pages import PageId
from maxsight.server.schemas import search as schemas
from maxsight.server.schemas.fields import BINARY, form_schema
from maxsight.server.security import FORM
from maxsight.server.service import Served, Service
from maxsight.server.upload_form import Incoming

router = APIRouter(tags=["search"])

Parameters = Annotated[schemas.SimilarParameters, Query()]
_BODY = {"requestBody": {"required": True, "content": {FORM: {"schema": form_schema("file", BINARY)}}}}


@router.get("/v1/pages/{page_id}/similar")
async def find_similar(service: Served, page_id: PageId, request: Parameters) -> schemas.SearchResponse:
    """Find more pages like this one, which is left out itself."""
    start = time.perf_counter()
    hits = await service.run(_search_like, service, page_id, request)
    return _answer(hits, [], start)


@router.post("/v1/search/image", openapi_extra=_BODY)
async def search_by_image(
    service: Served, request: Request, parameters: Parameters
) -> schemas.SearchResponse:
    """Find pages like a picture. A library whose encoder reads text is searched for the words in it."""
    start = time.perf_counter()
    async with receiving_a_file(service, request) as incoming:
        hits = await service.run(_search_image, service, incoming, parameters)
    return _answer(hits, service.reader.image_notices(hits), start)


def _search_like(service: Service, page_id: str, request: schemas.SimilarParameters) -> Hits:
    return service.reader.search_like_page(service.reader.page(page_id), **request.options())


def _search_image(service: Service, incoming: Incoming, request: schemas.SimilarParameters) -> Hits:
    file, settings = file_of_one_page(service, incoming)
    return service.reader.search_image(file, settings=settings, **request.options())


def _answer(hits: Hits, notices: list[str], start: float) -> schemas.SearchResponse:
    took_ms = round(1000 * (time.perf_counter() - start), 2)
    found = [schemas.hit_of(hit, hits.query) for hit in hits]
    return schemas.SearchResponse(query=hits.query, took_ms=took_ms, notices=notices, hits=found)
