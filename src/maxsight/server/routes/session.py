"""Sessions of browsers: a cookie for a token."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response, status

from maxsight.server.problems import RefusedError
from maxsight.server.schemas import library as schemas
from maxsight.server.security import Sessions, session_cookie
from maxsight.server.service import Served

router = APIRouter(tags=["session"])


@router.post("/v1/session", status_code=status.HTTP_204_NO_CONTENT)
async def sign_in(service: Served, request: Request, session: schemas.SessionRequest) -> Response:
    """Exchange the token for a cookie that no script can read."""
    response = Response(status_code=status.HTTP_204_NO_CONTENT)
    if service.settings.token is None:
        return response
    sessions = Sessions(service.settings.token)
    if not sessions.is_token(session.token):
        raise RefusedError(
            401, "unauthorized", "the token is wrong", "Give the token that the server was started with."
        )
    secure = request.url.scheme == "https"
    response.headers["Set-Cookie"] = session_cookie(sessions.new(), secure=secure)
    return response


@router.delete("/v1/session", status_code=status.HTTP_204_NO_CONTENT)
async def sign_out(request: Request) -> Response:
    """End the session of this browser."""
    cookie = session_cookie("", secure=request.url.scheme == "https")
    return Response(status_code=status.HTTP_204_NO_CONTENT, headers={"Set-Cookie": cookie})
