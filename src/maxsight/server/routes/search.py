"""Search."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from maxsight.results import Hit
from maxsight.server import schemas
from maxsight.server.service import Service, get_service

router = APIRouter(tags=["search"])
Served = Annotated[Service, Depends(get_service)]


@router.get("/v1/search", response_model=schemas.SearchResponse)
async def search_by_address(
    service: Served,
    q: schemas.Query,
    top_k: schemas.TopK = 10,
    filter: schemas.Where | None = None,
    hybrid: bool = False,
    exact: bool = False,
    explain: Annotated[bool, Query(description="Say with every hit what each region gave.")] = False,
) -> Response:
    """Find the pages that answer a question."""
    request = schemas.SearchRequest(
        query=q, top_k=top_k, filter=filter, hybrid=hybrid, exact=exact, explain=explain
    )
    return await search(service, request)


@router.post("/v1/search", response_model=schemas.SearchResponse)
async def search(service: Served, request: schemas.SearchRequest) -> Response:
    """Find the pages that answer a question; for questions too long for an address."""
    start = time.perf_counter()
    hits = await service.search(
        request.query,
        top_k=request.top_k,
        where=request.filter,
        hybrid=request.hybrid,
        exact=request.exact,
    )
    notices = await service.run(service.reader.notices, request.query)
    described = [schemas.hit_of(hit, request.query) for hit in hits]
    if request.explain:
        explanations = await service.run(_explain, service, request.query, hits)
        for one, explanation in zip(described, explanations, strict=True):
            one.explanation = explanation
    took_ms = 1000 * (time.perf_counter() - start)
    answer = schemas.SearchResponse(
        query=request.query, took_ms=round(took_ms, 2), notices=notices, hits=described
    )
    # Made of values that are right: FastAPI would check them all again.
    return Response(answer.model_dump_json(by_alias=True), media_type="application/json")


def _explain(service: Service, query: str, hits: Sequence[Hit]) -> list[schemas.Explanation]:
    """Explain hits, one after the other: a search is one piece of work, however many pages it finds."""
    pages = [service.reader.page(hit.page_id) for hit in hits]
    return [schemas.Explanation.of(page.page_id, service.reader.explain_page(query, page)) for page in pages]
