"""Figures for Prometheus: requests by route, searches, jobs, what the library holds."""

from __future__ import annotations

import time

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_METHODS = frozenset({"GET", "HEAD", "POST", "DELETE", "OPTIONS"})
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """The figures of one server, in its own registry."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        registry = self.registry
        self.requests = Histogram(
            "maxsight_request_seconds",
            "Time to answer a request",
            ["method", "route", "status"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.together = Histogram(
            "maxsight_searches_together",
            "Searches that shared a scan",
            buckets=(1, 2, 4, 8, 16, 32),
            registry=registry,
        )
        self.scans = Histogram("maxsight_scan_seconds", "Time of a scan", buckets=_SECONDS, registry=registry)
        self.jobs = Counter("maxsight_jobs", "Jobs that have ended", ["state"], registry=registry)
        self.pages_indexed = Counter("maxsight_pages_indexed", "Pages indexed by jobs", registry=registry)
        self.jobs_waiting = Gauge("maxsight_jobs_waiting", "Jobs that wait or run", registry=registry)
        self.documents = Gauge("maxsight_documents", "Documents in the library", registry=registry)
        self.pages = Gauge("maxsight_pages", "Pages in the library", registry=registry)

    def text(self) -> bytes:
        """Write the figures in Prometheus' format."""
        return generate_latest(self.registry)


class Timed:
    """Measures how long requests to an application take."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, and measure it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start, status = time.perf_counter(), 500

        async def send_and_note_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, send_and_note_status)
        finally:
            # Each label makes a series: so routes, not addresses, and no methods that callers invent.
            route = getattr(scope.get("route"), "path", "none")
            method = scope["method"] if scope["method"] in _METHODS else "other"
            labels = self._metrics.requests.labels(method, route, str(status))
            labels.observe(time.perf_counter() - start)
