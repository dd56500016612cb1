"""Requests reach the application as a whole: what brings no files is received first, within a size and a time.

So nothing is done, and no place is taken, for a caller who is still speaking. Uploads are read as they come, by
`uploads`, under limits of their own.
"""

from __future__ import annotations

import asyncio

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from maxsight.server.config import RequestLimits
from maxsight.server.problems import RefusedError
from maxsight.server.security import FORM, is_open, media_type_of

SMALL_BODY_BYTES = 4096
_WITHOUT_BODIES = frozenset({"GET", "HEAD", "OPTIONS"})
_FILE_PATHS = frozenset({"/v1/documents", "/v1/embeddings"})
_CLOSING = {"Connection": "close"}  # what may still come is not waited for


class WholeBodies:
    """Receives what a request brings before it passes the request on."""

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
            return  # nobody is there any more
        to_come: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive_again() -> Message:
            return to_come.pop() if to_come else await receive()

        await self._app(scope, receive_again, send)

    async def _receive_whole(self, scope: Scope, receive: Receive) -> bytes | None:
        """The body; None if the caller hangs up."""
        is_small = scope["method"] in _WITHOUT_BODIES or is_open(scope["path"])  # strangers get little room
        most = SMALL_BODY_BYTES if is_small else self._limits.body_bytes
        _check_size(int(Headers(scope=scope).get("content-length", 0)), most)
        body = bytearray()
        try:
            async with asyncio.timeout(self._limits.request_s):
                while (message := await receive())["type"] == "http.request":
                    body += message.get("body", b"")
                    _check_size(len(body), most)
                    if not message.get("more_body", False):
                        return bytes(body)
        except TimeoutError:
            raise too_slow("a request's body", self._limits.request_s) from None
        return None


def _check_size(size_bytes: int, most_bytes: int) -> None:
    if size_bytes > most_bytes:
        raise RefusedError(
            413,
            "content-too-large",
            f"this request has at most {most_bytes:,} bytes without files",
            "Ask for less at once; files are sent as a form: curl -F files=@report.pdf",
            headers=_CLOSING,
        )


def too_slow(what: str, most_s: float) -> RefusedError:
    """Say that something took longer to come than it may."""
    return RefusedError(
        408,
        "too-slow",
        f"{what} may take {most_s:g} seconds to come",
        "Send it again over a better connection.",
        headers=_CLOSING,
    )


def _brings_files(scope: Scope) -> bool:
    is_form = media_type_of(Headers(scope=scope)) == FORM
    return is_form and scope["method"] == "POST" and scope["path"] in _FILE_PATHS
