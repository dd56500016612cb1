"""Errors as the API answers them: `application/problem+json`, each with a stable type and a next step."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

from maxsight.errors import MaxSightError
from maxsight.server.schemas import Problem

logger = logging.getLogger(__name__)
MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = 5


class RefusedError(MaxSightError):
    """A request that the server does not serve, whatever the library holds.

    Attributes:
        kind: The last part of the problem's type.
        status: The HTTP status.
        headers: Of the answer.
    """

    def __init__(
        self, status: int, kind: str, message: str, hint: str, *, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.kind = kind
        self.headers = headers or {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request with it."""
        await response_of(problem_of(self), self.headers)(scope, receive, send)


def problem_of(error: MaxSightError) -> Problem:
    """Describe an error that was raised on purpose."""
    status = error.status if isinstance(error, RefusedError) else error.http_status
    kind = error.kind if isinstance(error, RefusedError) else error.slug()
    title = kind.replace("-", " ").capitalize()
    return Problem(type=f"/problems/{kind}", title=title, status=status, detail=str(error), hint=error.hint)


def response_of(problem: Problem, headers: dict[str, str] | None = None) -> JSONResponse:
    """Write a problem."""
    return JSONResponse(
        problem.model_dump(exclude_none=True),
        status_code=problem.status,
        media_type=MEDIA_TYPE,
        headers=headers,
    )


def answer_with_problems(app: FastAPI) -> None:
    """Have an app answer whatever is raised in it as a problem."""

    @app.exception_handler(MaxSightError)
    async def raised_on_purpose(request: Request, error: MaxSightError) -> JSONResponse:
        problem = problem_of(error)
        if problem.status >= 500:
            logger.warning("%s %s: %s", request.method, request.url.path, error)
        headers = dict(error.headers) if isinstance(error, RefusedError) else {}
        if error.retryable:
            headers.setdefault("Retry-After", str(RETRY_AFTER_S))
        return response_of(problem, headers)

    @app.exception_handler(RequestValidationError)
    async def not_as_described(request: Request, error: RequestValidationError) -> JSONResponse:
        faults = [_told(fault) for fault in error.errors()]
        return response_of(
            Problem(
                type="/problems/invalid-request",
                title="Invalid request",
                status=422,
                detail="; ".join(faults[:5])[:2000],
                hint="See /docs for what the API takes.",
            )
        )

    @app.exception_handler(HTTPException)
    async def refused_by_the_framework(request: Request, error: HTTPException) -> JSONResponse:
        kind = HTTPStatus(error.status_code).phrase
        problem = Problem(
            type=f"/problems/{kind.lower().replace(' ', '-')}",
            title=kind.capitalize(),
            status=error.status_code,
            detail=str(error.detail),
            hint=_HINTS.get(error.status_code),
        )
        return response_of(problem, dict(error.headers or {}))

    @app.exception_handler(Exception)
    async def a_mistake_of_ours(request: Request, error: Exception) -> JSONResponse:
        return response_of(
            Problem(
                type="/problems/internal-error",
                title="Internal error",
                status=500,
                detail="the server made a mistake",
                hint="Its log has more; please report it.",
            )
        )


_HINTS = {
    404: "See /docs for the addresses there are.",
    405: "See /docs for the methods of this address.",
}


def _told(fault: Any) -> str:
    place = [part for part in fault["loc"] if part != "body"]
    if (
        fault["type"] == "json_invalid"
    ):  # its place is a number of characters, if it is not told with the reason
        at = f" from character {place[0] + 1} on" if place else ""
        return f"the body is not JSON{at}: {fault['ctx']['error']}"
    return f"{'.'.join(map(str, place)) or 'body'}: {fault['msg']}"
