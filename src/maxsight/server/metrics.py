"""Figures for Prometheus: requests by route, searches, jobs, what the library holds."""

from __future__ import annotations

import time

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_METHODS = frozenset({"GET", "HEAD", "POST", "DELETE", "OPTIONS"})
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """One server's figures, in a registry of their own."""

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
        """The figures as Prometheus reads them."""
        return generate_latest(self.registry)


class Timed:
    """Times the requests to an application."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, and note how long that took."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start, status = time.perf_counter(), 500

        async def noting_the_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noting_the_status)
        finally:
            # The route, not the address, and no method that a caller has made up: each would be a series of its own.
            route = getattr(scope.get("route"), "path", "none")
            method = scope["method"] if scope["method"] in _METHODS else "other"
            labels = self._metrics.requests.labels(method, route, str(status))
            labels.observe(time.perf_counter() - start)
