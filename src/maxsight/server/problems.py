"""Errors as the API answers them: `application/problem+json` (RFC 9457), each with a stable type and a next step."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from maxsight.errors import MaxSightError
from maxsight.server.schemas.fields import Problem

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = 5
CLOSE = {"Connection": "close"}
"""The header that closes the connection, so that the rest of a request is not waited for."""


class RefusedError(MaxSightError):
    """The server refuses a request, independently of the library's content.

    Attributes:
        kind: The last part of the problem's type.
        status: The HTTP status.
        headers: Headers of the answer.
    """

    def __init__(
        self,
        status: int,
        kind: str,
        message: str,
        hint: str | None,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.kind = kind
        self.headers = headers or {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request with it, as an ASGI application."""
        await response_of(self)(scope, receive, send)


def too_busy(message: str, hint: str, *, retry_after_s: int) -> RefusedError:
    """Make the error of a server that has too much of one kind to do."""
    return RefusedError(503, "too-busy", message, hint, headers={"Retry-After": str(retry_after_s)})


def too_slow(message: str, hint: str) -> RefusedError:
    """Make the error of a caller who sends too slowly."""
    return RefusedError(408, "too-slow", message, hint, headers=CLOSE)


def wrong_media_type(message: str, hint: str) -> RefusedError:
    """Make the error of a request whose content is of another kind than the address takes."""
    return RefusedError(415, "unsupported-media-type", message, hint)


def internal_error() -> RefusedError:
    """Make the error that callers see when the server made a mistake; the log has more."""
    return RefusedError(
        500, "internal-error", "the server made a mistake", "Its log has more; please report it."
    )


def problem_of(error: MaxSightError) -> Problem:
    """Describe an error."""
    status = error.status if isinstance(error, RefusedError) else error.http_status
    kind = error.kind if isinstance(error, RefusedError) else error.slug()
    title = kind.replace("-", " ").capitalize()
    return Problem(type=f"/problems/{kind}", title=title, status=status, detail=str(error), hint=error.hint)


def response_of(error: MaxSightError, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """Write an error as a response, with its own headers and more."""
    problem = problem_of(error)
    own = error.headers if isinstance(error, RefusedError) else {}
    if error.retryable:
        own = {"Retry-After": str(RETRY_AFTER_S), **own}
    return JSONResponse(
        problem.model_dump(exclude_none=True),
        status_code=problem.status,
        media_type=MEDIA_TYPE,
        headers={**(headers or {}), **own},
    )
