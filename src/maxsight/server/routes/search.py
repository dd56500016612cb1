"""Search."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query, Response

from maxsight.results import Hit, doubts, group_by_document
from maxsight.server.batching import SearchOptions
from maxsight.server.schemas import search as schemas
from maxsight.server.service import Served, Service

router = APIRouter(tags=["search"])


@router.get("/v1/search", response_model=schemas.SearchResponse)
async def search_by_address(
    service: Served, request: Annotated[schemas.SearchParameters, Query()]
) -> Response:
    """Find the pages that answer a question."""
    return await search(service, request)


@router.post("/v1/search", response_model=schemas.SearchResponse)
async def search(service: Served, request: schemas.SearchRequest) -> Response:
    """Find the pages that answer a question. For questions that are too long for an address."""
    start = time.perf_counter()
    options = SearchOptions(
        request.top_k, request.filter, request.exact, request.names, tuple(request.phrases)
    )
    rerank = service.reranks_with(request.rerank)
    hits = await service.search(request.query, options, rerank=rerank)
    notices = await service.run(service.reader.notices, request.query, phrases=request.phrases)
    if request.group:
        hits = group_by_document(hits)
    described = [schemas.hit_of(hit, request.query) for hit in hits]
    if request.explain:
        explanations = await service.run(_explain, service, request.query, hits)
        for one, explanation in zip(described, explanations, strict=True):
            one.explanation = explanation
    took_ms = 1000 * (time.perf_counter() - start)
    answer = schemas.SearchResponse(
        query=request.query, took_ms=round(took_ms, 2), notices=[*notices, *doubts(hits)], hits=described
    )
    # Already validated: FastAPI would validate it again.
    return Response(answer.model_dump_json(by_alias=True), media_type="application/json")


def _explain(service: Service, query: str, hits: Sequence[Hit]) -> list[schemas.Explanation]:
    """Explain hits one after the other, so that a search is one task, however many pages it finds."""
    pages = [service.reader.page(hit.page_id) for hit in hits]
    return [schemas.Explanation.of(page.page_id, service.reader.explain_page(query, page)) for page in pages]
