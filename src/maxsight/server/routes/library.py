"""The library as a whole, and the state of the server."""

from __future__ import annotations

from fastapi import APIRouter, Response

from maxsight.documents.formats import SUFFIXES
from maxsight.server import metrics
from maxsight.server.routes.ask import answering_model
from maxsight.server.schemas import library as schemas
from maxsight.server.service import Served
from maxsight.version import __version__

router = APIRouter(tags=["library"])


@router.get("/v1/library")
async def get_library(service: Served) -> schemas.LibraryStatus:
    """Get what the library holds, and what can be uploaded."""
    status = await service.run(service.reader.status)
    damage = await service.run(lambda: service.reader.damage)
    answers = await service.run(answering_model)
    limits = service.settings.limits
    return schemas.LibraryStatus(
        documents=status.documents,
        incomplete=status.incomplete,
        pages=status.pages,
        vectors=status.vectors,
        size_bytes=status.size_bytes,
        damage=damage,
        encoder=status.space.encoder,
        revision=status.space.revision,
        dim=status.space.dim,
        pool_factor=status.pool_factor,
        fields=dict(status.fields),
        accepts=list(SUFFIXES),
        read_only=service.is_read_only,
        upload_bytes=limits.upload_bytes,
        upload_files=limits.upload_files,
        answers=answers,
        reranker=service.reranker.name if service.reranker else None,
        version=__version__,
    )


@router.get("/v1/health")
async def get_health() -> schemas.Health:
    """Check that the process answers."""
    return schemas.Health(status="ok")


@router.get("/v1/ready")
async def get_readiness(service: Served) -> schemas.Health:
    """Check that the library can be searched: its encoder is loaded, and it can be read."""
    await service.run(lambda: service.reader.version)
    return schemas.Health(status="ready")


@router.get("/metrics", response_class=Response)
async def get_metrics(service: Served) -> Response:
    """Get figures for Prometheus."""
    entries = await service.run(service.reader.documents)
    service.metrics.documents.set(len(entries))
    service.metrics.pages.set(sum(len(entry.page_indices) for entry in entries))
    return Response(service.metrics.text(), media_type=metrics.MEDIA_TYPE)
