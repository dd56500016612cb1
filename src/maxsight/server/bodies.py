"""Requests without files are received completely before the application sees them, within a size and a time.

So a caller who is still sending takes no place in any queue. Uploads are read as they come, under limits of their own
(`receiving`).
"""

from __future__ import annotations

import asyncio

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from maxsight.server.config import RequestLimits
from maxsight.server.problems import CLOSE, RefusedError, too_slow
from maxsight.server.security import FORM, is_open, media_type_of

MAX_SMALL_BODY_BYTES = 4096
_WITHOUT_BODIES = frozenset({"GET", "HEAD", "OPTIONS"})
_FILE_PATHS = frozenset({"/v1/documents", "/v1/embeddings", "/v1/search/image"})


class WholeBodies:
    """Receives the body of a request before it passes the request on."""

    def __init__(self, app: ASGIApp, limits: RequestLimits) -> None:
        self._app = app
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] != "http" or _brings_files(scope):
            await self._app(scope, receive, send)
            return
        try:
            body = await self._receive_whole(scope, receive)
        except RefusedError as error:
            await error(scope, receive, send)
            return
        if body is None:
            return  # the caller has gone
        to_come: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive_again() -> Message:
            return to_come.pop() if to_come else await receive()

        await self._app(scope, receive_again, send)

    async def _receive_whole(self, scope: Scope, receive: Receive) -> bytes | None:
        """Receive the body; None if the caller closes the connection."""
        # Callers without a token can reach open addresses: they get little room.
        is_small = scope["method"] in _WITHOUT_BODIES or is_open(scope["path"])
        max_bytes = MAX_SMALL_BODY_BYTES if is_small else self._limits.body_bytes
        _check_size(int(Headers(scope=scope).get("content-length", 0)), max_bytes)
        body = bytearray()
        try:
            async with asyncio.timeout(self._limits.request_s):
                while (message := await receive())["type"] == "http.request":
                    body += message.get("body", b"")
                    _check_size(len(body), max_bytes)
                    if not message.get("more_body", False):
                        return bytes(body)
        except TimeoutError:
            raise slow_request("a request's body", self._limits.request_s) from None
        return None


def slow_request(part: str, max_s: float) -> RefusedError:
    """Make the error of a request whose headers or body took too long to come."""
    return too_slow(f"{part} may take {max_s:g} seconds to come", "Send it again over a better connection.")


def _check_size(size_bytes: int, max_bytes: int) -> None:
    if size_bytes > max_bytes:
        raise RefusedError(
            413,
            "content-too-large",
            f"this request has at most {max_bytes:,} bytes without files",
            "Ask for less at once; files are sent as a form: curl -F files=@report.pdf",
            headers=CLOSE,
        )


def _brings_files(scope: Scope) -> bool:
    is_form = media_type_of(Headers(scope=scope)) == FORM
    return is_form and scope["method"] == "POST" and scope["path"] in _FILE_PATHS
