"""Who may call: checks of the Host header, of the token or the browser's session, and of requests from other web sites.

The checks stand around the whole application, so that no route or mounted application can be reached without them.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import ipaddress
import logging
import secrets
import time
from collections import OrderedDict
from contextlib import ExitStack
from http import cookies

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from maxsight.server.admission import Admission
from maxsight.server.config import ServerSettings
from maxsight.server.problems import CLOSE, RefusedError

logger = logging.getLogger(__name__)

SESSION_COOKIE = "maxsight_session"
SESSION_S = 7 * 24 * 3600
MAX_DELAY_S, MAX_ADDRESSES = 0.5, 10_000
FORM = "multipart/form-data"
HEALTH = "/v1/health"
"""Always answered, also while no other request is accepted."""
OWN_HEADER, OWN_VALUE = "x-requested-with", "maxsight"

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
# Pages of other sites can send these without a CORS preflight (https://fetch.spec.whatwg.org/#cors-safelisted-request-header).
_FORM_TYPES = frozenset({"", FORM, "application/x-www-form-urlencoded", "text/plain"})
_OPEN_PATHS = frozenset({"/", "/docs", "/favicon.ico", HEALTH, "/v1/ready", "/v1/session"})
_OPEN_FOLDER = "/static/"

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class Sessions:
    """Sessions of browsers. A cookie holds an end time, a number and a signature, never the token.

    A session ends after ``SESSION_S``, when its browser signs out, and with the server. Wrong tokens are logged, and
    their answers come later with each one from the same address.
    """

    def __init__(self, token: str) -> None:
        self._token = token.encode()
        self._key = self._token + secrets.token_bytes(16)
        self._ended: dict[str, int] = {}
        self._wrong: OrderedDict[str, int] = OrderedDict()

    def is_token(self, given: str) -> bool:
        """Whether this is the token, compared in constant time."""
        return hmac.compare_digest(_digest(given.encode("utf-8", "replace")), _digest(self._token))

    def new(self) -> str:
        """Make the value of a cookie."""
        session = f"{int(time.time()) + SESSION_S}.{secrets.token_hex(8)}"
        return f"{session}.{self._sign(session)}"

    def is_valid(self, cookie: str) -> bool:
        """Whether this server signed a cookie and its session has not ended."""
        session, _, signature = cookie.rpartition(".")
        if not hmac.compare_digest(self._sign(session).encode(), signature.encode("utf-8", "replace")):
            return False
        return session not in self._ended and int(session.partition(".")[0]) > time.time()

    def end(self, cookie: str) -> None:
        """End the session of a cookie: who has copied it can't use it any more."""
        if self.is_valid(cookie):
            now = time.time()
            self._ended = {session: end for session, end in self._ended.items() if end > now}
            session = cookie.rpartition(".")[0]
            self._ended[session] = int(session.partition(".")[0])

    async def note_wrong(self, address: str) -> None:
        """Log a wrong token, and wait longer with each one from an address."""
        times = self._wrong.pop(address, 0) + 1
        self._wrong[address] = times
        if len(self._wrong) > MAX_ADDRESSES:
            self._wrong.popitem(last=False)
        logger.warning("a wrong token came from %s, number %d", address, times)
        await asyncio.sleep(min(0.05 * 2 ** min(times, 10), MAX_DELAY_S))

    def _sign(self, session: str) -> str:
        message = b"maxsight session " + session.encode("utf-8", "replace")
        return hmac.new(self._key, message, hashlib.sha256).hexdigest()


class Guard:
    """Refuses requests that may not be made, and adds the headers for browsers to every answer."""

    def __init__(self, app: ASGIApp, settings: ServerSettings, sessions: Sessions | None) -> None:
        self._app = app
        self._settings = settings
        self._sessions = sessions
        self._answering = Admission(
            "requests are being answered", settings.limits.connections, "Try again in a moment."
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                # By default browsers store nothing of the library on their disks; a route may allow it.
                headers.setdefault("Cache-Control", "no-cache" if is_open(scope["path"]) else "no-store")
            await send(message)

        with ExitStack() as admitted:
            try:
                if scope["path"] != HEALTH:
                    admitted.enter_context(self._answering)
                self._check(scope)
            except RefusedError as error:
                headers = Headers(scope=scope)
                if error.status == 401 and self._sessions and "authorization" in headers:
                    await self._sessions.note_wrong(caller_of(scope))
                readable = cross_origin(error, self._settings)  # so that pages of the named sites can read it
                await readable.simple_response(scope, receive, with_headers, request_headers=headers)
            else:
                await self._app(scope, receive, with_headers)

    def _check(self, scope: Scope) -> None:
        headers = Headers(scope=scope)
        if "transfer-encoding" in headers and "content-length" in headers:
            raise RefusedError(
                400,
                "two-lengths",
                "the request has Transfer-Encoding and Content-Length",
                "Send one of them.",
                headers=CLOSE,
            )
        self._check_host(headers)
        if self._settings.cors_origins and scope["method"] == "OPTIONS":
            return  # a CORS preflight has no token, and its answer only lists allowed methods and headers
        self._check_site(scope, headers)
        if self._sessions is not None and not is_open(scope["path"]):
            self._check_caller(scope, headers, self._sessions)

    def _check_host(self, headers: Headers) -> None:
        """Refuse unknown host names: an attacker's name may point to this address (DNS rebinding).

        Numeric addresses are safe.
        """
        host = _host_name(headers.get("host", ""))
        if host not in self._settings.hosts and not _is_numeric(host):
            raise RefusedError(
                421,
                "unknown-host",
                f"this server does not answer to the name {host!r}",
                "Start it with --allowed-host NAME if it should.",
            )

    def _check_site(self, scope: Scope, headers: Headers) -> None:
        """Refuse requests that a page of another site makes its visitor's browser send."""
        site, origin = headers.get("sec-fetch-site", "none"), headers.get("origin")
        named = origin in self._settings.cors_origins
        own = origin is None or origin.partition("://")[2].lower() == headers.get("host", "").lower() or named
        changes = scope["method"] not in _SAFE_METHODS
        foreign = (site not in ("same-origin", "none") and not named) or not own
        followed_a_link = not changes and headers.get("sec-fetch-mode") == "navigate" and own
        if foreign and not followed_a_link:
            raise RefusedError(
                403,
                "cross-site-request",
                "the request comes from another web site",
                "Start the server with --cors-origin to let that site in.",
            )
        content_type = media_type_of(headers)
        if not changes or content_type not in _FORM_TYPES or scope["method"] != "POST":
            return
        if headers.get(OWN_HEADER) != OWN_VALUE and "authorization" not in headers:
            raise RefusedError(
                403,
                "missing-header",
                f"a request of type {content_type or 'none'} needs proof that no web form sent it",
                f"Send the header {OWN_HEADER.title()}: {OWN_VALUE}."
                if content_type == FORM
                else "Send JSON with the header Content-Type: application/json, files as a form: curl -F "
                f"files=@report.pdf -H '{OWN_HEADER.title()}: {OWN_VALUE}'",
            )

    def _check_caller(self, scope: Scope, headers: Headers, sessions: Sessions) -> None:
        kind, _, given = headers.get("authorization", "").partition(" ")
        cookie = HTTPConnection(scope).cookies.get(SESSION_COOKIE, "")
        if kind.lower() == "bearer" and sessions.is_token(given.strip()):
            return
        if not kind and sessions.is_valid(cookie):
            return
        raise RefusedError(
            401,
            "unauthorized",
            "the token is wrong" if kind else "this server needs a token",
            "Send the header Authorization: Bearer TOKEN, with the token the server was started with.",
            headers={"WWW-Authenticate": "Bearer"},
        )


def cross_origin(app: ASGIApp, settings: ServerSettings) -> CORSMiddleware:
    """Let only the named web sites read an application's responses."""
    return CORSMiddleware(
        app,
        allow_origins=settings.cors_origins,
        allow_methods=("GET", "POST", "DELETE"),
        allow_headers=("Authorization", "Content-Type", OWN_HEADER),
    )


def session_cookie(value: str, *, secure: bool) -> str:
    """Make a Set-Cookie header: not for scripts, not for other sites. An empty value ends the session."""
    cookie: cookies.SimpleCookie = cookies.SimpleCookie({SESSION_COOKIE: value})
    morsel = cookie[SESSION_COOKIE]
    morsel["path"], morsel["httponly"], morsel["samesite"] = "/", True, "Strict"
    morsel["max-age"], morsel["secure"] = (SESSION_S if value else 0), secure
    return morsel.OutputString()


def caller_of(scope: Scope) -> str:
    """The address that a request comes from."""
    client = scope.get("client")
    return str(client[0]) if client else "an unknown address"


def media_type_of(headers: Headers) -> str:
    """The media type that a request names; empty if it names none."""
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def is_open(path: str) -> bool:
    """Whether a path needs no token."""
    return path in _OPEN_PATHS or path.startswith(_OPEN_FOLDER)


def _host_name(host: str) -> str:
    """The name in a Host header, without its port."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower()


def _is_numeric(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _digest(value: bytes) -> bytes:
    return hashlib.sha256(value).digest()
