"""The application: routes, the web page, and what stands around them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import Depends, FastAPI
from fastapi.staticfiles import StaticFiles
from starlette.routing import Route
from starlette.types import ASGIApp

from maxsight.server.bodies import WholeBodies
from maxsight.server.mcp import Pages, mcp_app
from maxsight.server.metrics import Timed
from maxsight.server.parameters import only_known_parameters
from maxsight.server.problems import MEDIA_TYPE, answer_with_problems
from maxsight.server.routes import ask, documents, embeddings, jobs, library, pages, search, session, web
from maxsight.server.schemas import Problem
from maxsight.server.security import Guard, cross_origin
from maxsight.server.service import Service
from maxsight.version import __version__

_PROBLEM = {"model": Problem, "content": {MEDIA_TYPE: {}}, "description": "What went wrong, and what to do."}
_ROUTES = (search, documents, pages, jobs, embeddings, ask, library, session, web)


def create_app(service: Service) -> ASGIApp:
    """Make the application that serves a library. It closes the service when it ends."""
    settings = service.settings
    served: ASGIApp = Timed(WholeBodies(_routes(service), settings.limits), service.metrics)
    if settings.cors_origins:
        served = cross_origin(served, settings)
    return Guard(served, settings)  # around all, also around the answer to a mistake of ours


def _routes(service: Service) -> FastAPI:
    tools = mcp_app(Pages.of_service(service))

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        service.start()
        try:
            async with tools.running():
                yield
        finally:
            service.close()

    app = FastAPI(
        title="maxsight",
        version=__version__,
        summary="Find the page, and see why.",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        dependencies=[Depends(only_known_parameters)],
        responses={"4XX": _PROBLEM, "5XX": _PROBLEM},
    )
    app.state.service = service
    answer_with_problems(app)
    for module in _ROUTES:
        app.include_router(module.router)
    app.mount("/static", StaticFiles(directory=web.STATIC))
    app.router.routes.append(Route("/mcp", tools.asgi))
    app.openapi()  # described once, before anyone asks
    return app
