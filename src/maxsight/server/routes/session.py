"""Sessions of browsers: a cookie for a token."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response, status

from maxsight.server.problems import RefusedError
from maxsight.server.schemas import library as schemas
from maxsight.server.security import SESSION_COOKIE, caller_of, session_cookie
from maxsight.server.service import Served

router = APIRouter(tags=["session"])


@router.post("/v1/session", status_code=status.HTTP_204_NO_CONTENT)
async def sign_in(service: Served, request: Request, session: schemas.SessionRequest) -> Response:
    """Exchange the token for a cookie that no script can read."""
    response = Response(status_code=status.HTTP_204_NO_CONTENT)
    if service.sessions is None:
        return response
    sessions = service.sessions
    if not sessions.is_token(session.token):
        await sessions.note_wrong(caller_of(request.scope))
        raise RefusedError(
            401, "unauthorized", "the token is wrong", "Give the token that the server was started with."
        )
    secure = request.url.scheme == "https"
    response.headers["Set-Cookie"] = session_cookie(sessions.new(), secure=secure)
    return response


@router.delete("/v1/session", status_code=status.HTTP_204_NO_CONTENT)
async def sign_out(service: Served, request: Request) -> Response:
    """End the session of this browser, also for copies of its cookie."""
    if service.sessions is not None:
        service.sessions.end(request.cookies.get(SESSION_COOKIE, ""))
    cookie = session_cookie("", secure=request.url.scheme == "https")
    return Response(status_code=status.HTTP_204_NO_CONTENT, headers={"Set-Cookie": cookie})
