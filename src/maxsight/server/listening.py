"""The application behind a socket: uvicorn, which is told how long to wait for a caller.

Uvicorn waits for the headers of a request as long as they take, and as long for an answer to be read, so here its
protocol gets an end to both. How long a body may take is looked at where bodies are received (`bodies`, `uploads`).
"""

from __future__ import annotations

import asyncio
import math

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from maxsight.server.app import create_app
from maxsight.server.bodies import too_slow
from maxsight.server.problems import problem_of, response_of
from maxsight.server.security import HEADERS
from maxsight.server.service import Service

GRACE_S = 3


def server_of(service: Service) -> uvicorn.Server:
    """Make the server of a library. It closes the service when it ends."""
    limits = service.settings.limits
    return uvicorn.Server(
        uvicorn.Config(
            create_app(service),
            http=_bounded_http(limits.request_s, limits.answer_s),
            log_level="warning",
            access_log=False,
            server_header=False,
            limit_concurrency=limits.connections,
            timeout_graceful_shutdown=GRACE_S,
        )
    )


def _bounded_http(request_s: float, answer_s: float) -> type[H11Protocol]:
    """A protocol that hangs up on callers who owe something for too long.

    They owe the headers of a request from the first byte on, or from the time they are connected; the rest of a
    body that was answered before it had come; and to read what is sent to them.
    """

    class BoundedHttp(H11Protocol):
        _overdue: asyncio.TimerHandle | None = None
        _unread: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            transport.set_write_buffer_limits(0)  # writing is paused as soon as something waits to be read
            self._watch()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            self._watch()

        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            self._forget()
            self._has_read()

        def pause_writing(self) -> None:
            super().pause_writing()
            self._wait_for_reading()

        def resume_writing(self) -> None:
            super().resume_writing()
            self._has_read()

        def _watch(self) -> None:
            theirs, ours = self.conn.their_state, self.conn.our_state
            if theirs is not h11.IDLE and not (theirs is h11.SEND_BODY and ours is h11.DONE):
                self._forget()
            elif self._overdue is None:
                self._overdue = self.loop.call_later(request_s, self._hang_up)

        def _forget(self) -> None:
            if self._overdue is not None:
                self._overdue.cancel()
                self._overdue = None

        def _wait_for_reading(self, unread: float = math.inf) -> None:
            """Hang up unless there is less to be read each time."""
            left = self.transport.get_write_buffer_size()
            if left < unread:
                self._unread = self.loop.call_later(answer_s, self._wait_for_reading, left)
            else:
                self.transport.abort()

        def _has_read(self) -> None:
            if self._unread is not None:
                self._unread.cancel()
                self._unread = None

        def _hang_up(self) -> None:
            if self.conn.our_state is h11.IDLE and self.conn.trailing_data[0]:  # what there is of the headers
                error = too_slow("a request's headers", request_s)
                answer = response_of(problem_of(error), {**HEADERS, **error.headers})
                head = h11.Response(status_code=error.status, headers=answer.raw_headers, reason="Too Slow")
                for event in (head, h11.Data(data=bytes(answer.body)), h11.EndOfMessage()):
                    self.transport.write(self.conn.send(event) or b"")
            self.transport.close()

    return BoundedHttp
