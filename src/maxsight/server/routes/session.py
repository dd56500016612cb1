"""Sessions of browsers: a cookie for a token."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response, status

from maxsight.server import schemas
from maxsight.server.problems import RefusedError
from maxsight.server.security import Sessions, session_cookie
from maxsight.server.service import Service, get_service

router = APIRouter(tags=["session"])
Served = Annotated[Service, Depends(get_service)]


@router.post("/v1/session", status_code=status.HTTP_204_NO_CONTENT)
async def sign_in(service: Served, request: Request, session: schemas.SessionRequest) -> Response:
    """Give the token once; the answer's cookie stands for it from then on. No script can read that."""
    response = Response(status_code=status.HTTP_204_NO_CONTENT)
    if service.settings.token is None:
        return response
    sessions = Sessions(service.settings.token)
    if not sessions.is_token(session.token):
        raise RefusedError(
            401, "unauthorized", "the token is wrong", "It is the one that the server was started with."
        )
    secure = request.url.scheme == "https"
    response.headers["Set-Cookie"] = session_cookie(sessions.new(), secure=secure)
    return response


@router.delete("/v1/session", status_code=status.HTTP_204_NO_CONTENT)
async def sign_out(request: Request) -> Response:
    """End the session of this browser."""
    cookie = session_cookie("", secure=request.url.scheme == "https")
    return Response(status_code=status.HTTP_204_NO_CONTENT, headers={"Set-Cookie": cookie})
