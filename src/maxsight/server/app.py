"""The application: routes, the web page, and what stands around them."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus

from fastapi import Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from maxsight.errors import MaxSightError
from maxsight.server.bodies import WholeBodies
from maxsight.server.mcp import mcp_sessions
from maxsight.server.mcp_pages import Pages
from maxsight.server.metrics import Timed
from maxsight.server.problems import MEDIA_TYPE, RefusedError, internal_error, response_of
from maxsight.server.request_checks import check_request, translate_faults
from maxsight.server.routes import (
    ask,
    documents,
    embeddings,
    jobs,
    library,
    pages,
    search,
    session,
    similar,
    web,
)
from maxsight.server.schemas.fields import Problem
from maxsight.server.security import Guard, cross_origin
from maxsight.server.service import Service
from maxsight.version import __version__

logger = logging.getLogger(__name__)

_PROBLEM = {"model": Problem, "content": {MEDIA_TYPE: {}}, "description": "What went wrong, and what to do."}
_ROUTES = (search, similar, documents, pages, jobs, embeddings, ask, library, session, web)
_HINTS = {
    404: "See /docs for the addresses there are.",
    405: "See /docs for the methods of this address.",
}


def create_app(service: Service) -> ASGIApp:
    """Make the application that serves a library. It closes the service when it ends."""
    settings = service.settings
    served: ASGIApp = Timed(WholeBodies(_routes(service), settings.limits), service.metrics)
    if settings.cors_origins:
        served = cross_origin(served, settings)
    return Guard(
        HeadAsGet(served), settings, service.sessions
    )  # outermost, so that answers to unexpected errors have its headers too


class HeadAsGet:
    """Answers HEAD as GET; uvicorn sends no body then (RFC 9110, section 9.3.2)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        head = scope["type"] == "http" and scope["method"] == "HEAD"
        await self._app({**scope, "method": "GET"} if head else scope, receive, send)


def _routes(service: Service) -> FastAPI:
    tools = mcp_sessions(Pages.of_service(service))

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        service.start()
        try:
            async with tools.run():
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
        dependencies=[Depends(check_request)],
        responses={"4XX": _PROBLEM, "5XX": _PROBLEM},
    )
    app.state.service = service
    _answer_with_problems(app)
    for module in _ROUTES:
        app.include_router(module.router)
    app.mount("/static", StaticFiles(directory=web.STATIC))
    app.router.routes.append(Route("/mcp", tools.asgi_app))
    app.openapi()  # makes the description once, before the first request
    return app


def _answer_with_problems(app: FastAPI) -> None:
    """Answer every error of an application as a problem."""

    @app.exception_handler(MaxSightError)
    async def answer_error(request: Request, error: MaxSightError) -> Response:
        response = response_of(error)
        if response.status_code >= 500:
            logger.warning("%s %s: %s", request.method, request.url.path, error)
        return response

    @app.exception_handler(RequestValidationError)
    async def answer_faults(request: Request, error: RequestValidationError) -> Response:
        return response_of(translate_faults(request, error))

    @app.exception_handler(HTTPException)
    async def answer_http_error(request: Request, error: HTTPException) -> Response:
        kind = HTTPStatus(error.status_code).phrase.lower().replace(" ", "-")
        hint = _HINTS.get(error.status_code)
        return response_of(RefusedError(error.status_code, kind, str(error.detail), hint), error.headers)

    @app.exception_handler(Exception)
    async def answer_unexpected_error(request: Request, error: Exception) -> Response:
        return response_of(internal_error())
