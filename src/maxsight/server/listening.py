"""The application behind a socket: uvicorn, with limits on the time that a caller may take.

By itself uvicorn waits without end for the headers of a request, and for an answer to be read. How long a body may
take is checked where bodies are received (`bodies`, `receiving`).
"""

from __future__ import annotations

import asyncio
import math

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from maxsight.server.app import create_app
from maxsight.server.bodies import slow_request
from maxsight.server.problems import response_of
from maxsight.server.security import HEADERS
from maxsight.server.service import Service

SHUTDOWN_S = 3
SPARE_CONNECTIONS = 64
"""Connections over the limit, so that a server that is busy on all others can still say so."""


def server_of(service: Service) -> uvicorn.Server:
    """Make the server of a library. It closes the service when it ends."""
    limits = service.settings.limits
    return uvicorn.Server(
        uvicorn.Config(
            create_app(service),
            http=_bounded_http(limits.request_s, limits.answer_s, limits.connections),
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=SHUTDOWN_S,
        )
    )


def _bounded_http(request_s: float, answer_s: float, connections: int) -> type[H11Protocol]:
    """Make a protocol that closes the connections of callers who take too long.

    A new connection over ``connections`` takes the place of the one that has been without a request for longest.

    Callers have ``request_s`` to send the headers of a request, counted from connecting or from the first byte. If the
    answer comes before the whole body, its rest has as long. They have ``answer_s`` to read more of the answer.
    """

    class BoundedHttp(H11Protocol):
        _overdue: asyncio.TimerHandle | None = None
        _unread: asyncio.TimerHandle | None = None
        idle_since = 0.0

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self.idle_since = self.loop.time()
            self._make_room()
            transport.set_write_buffer_limits(
                0
            )  # so that writing pauses as soon as something waits to be read
            self._watch_request()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            self._watch_request()

        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            self._stop_watching_request()
            self._stop_watching_answer()

        def pause_writing(self) -> None:
            super().pause_writing()
            self._watch_answer()

        def resume_writing(self) -> None:
            super().resume_writing()
            self._stop_watching_answer()

        def on_response_complete(self) -> None:
            self.idle_since = self.loop.time()
            super().on_response_complete()

        def _make_room(self) -> None:
            over = len(self.connections) - connections
            if over <= 0:
                return
            others = (other for other in self.connections if isinstance(other, BoundedHttp))
            idle = [other for other in others if other is not self and other.conn.their_state is h11.IDLE]
            if idle:
                min(idle, key=lambda other: other.idle_since).transport.close()
            elif over > SPARE_CONNECTIONS:
                self.transport.abort()

        def _watch_request(self) -> None:
            theirs, ours = self.conn.their_state, self.conn.our_state
            if theirs is not h11.IDLE and not (theirs is h11.SEND_BODY and ours is h11.DONE):
                self._stop_watching_request()
            elif self._overdue is None:
                self._overdue = self.loop.call_later(request_s, self._refuse_request)

        def _stop_watching_request(self) -> None:
            if self._overdue is not None:
                self._overdue.cancel()
                self._overdue = None

        def _refuse_request(self) -> None:
            if (
                self.conn.our_state is h11.IDLE and self.conn.trailing_data[0]
            ):  # a part of the headers has come
                answer = response_of(slow_request("a request's headers", request_s), HEADERS)
                head = h11.Response(
                    status_code=answer.status_code, headers=answer.raw_headers, reason="Too Slow"
                )
                for event in (head, h11.Data(data=bytes(answer.body)), h11.EndOfMessage()):
                    self.transport.write(self.conn.send(event) or b"")
            self.transport.close()

        def _watch_answer(self, unread_bytes: float = math.inf) -> None:
            """Close the connection unless less is left to read each time."""
            left_bytes = self.transport.get_write_buffer_size()
            if left_bytes < unread_bytes:
                self._unread = self.loop.call_later(answer_s, self._watch_answer, left_bytes)
            else:
                self.transport.abort()

        def _stop_watching_answer(self) -> None:
            if self._unread is not None:
                self._unread.cancel()
                self._unread = None

    return BoundedHttp
