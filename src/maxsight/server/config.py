"""The settings of a server: who may call it, and what a request may cost."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from maxsight.documents import Limits
from maxsight.errors import InputError

LOOPBACK = ("127.0.0.1", "localhost", "::1")
MIN_TOKEN_CHARS = 16


@dataclass(frozen=True, slots=True)
class RequestLimits:
    """What requests may cost. A request over a limit is refused, and the answer names the limit.

    Attributes:
        body_bytes: Bytes of a request without files.
        request_s: Seconds for the headers of a request to come, and again for its body if it has no files.
        answer_s: Seconds that the rest of an answer waits until its caller reads more.
        query_chars: Characters of a question.
        filter_chars: Characters of a filter.
        upload_bytes: Bytes of one upload, all its files together.
        upload_files: Files of one upload.
        uploads: Uploads at once.
        upload_s: Seconds of one upload.
        stall_s: Seconds without data in an upload.
        upload_bytes_per_s: Bytes a second of an upload, over each ``stall_s``.
        asks: Questions that a model answers at once.
        waiting_pages: Waiting requests for pages (read, draw, explain).
        waiting_searches: Waiting searches.
        waiting_reranks: Waiting searches that a reranker reads.
        waiting_jobs: Waiting jobs.
        cache_bytes: Bytes of page pictures on the disk.
        connections: Open connections.
    """

    body_bytes: int = 2**20
    request_s: float = 30.0
    answer_s: float = 120.0
    query_chars: int = 10_000
    filter_chars: int = 10_000
    upload_bytes: int = 500_000_000
    upload_files: int = 200
    uploads: int = 16
    upload_s: float = 1800.0
    stall_s: float = 30.0
    upload_bytes_per_s: int = 1_000
    asks: int = 8
    waiting_pages: int = 256
    waiting_searches: int = 256
    waiting_reranks: int = 16
    waiting_jobs: int = 32
    cache_bytes: int = 500_000_000
    connections: int = 1_000


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """How a server runs.

    Attributes:
        host: The address it listens on.
        token: What callers must send; None for no check, allowed only on an address of this machine.
        allowed_hosts: Host names it answers to, besides its own address.
        cors_origins: Web sites whose pages may call the API.
        uploads: Where uploaded files are stored; by default ``uploads`` beside the library.
        read_only: Refuse uploads and deletes.
        limits: What a request may cost.
        reading: What an uploaded file may cost.
    """

    host: str = "127.0.0.1"
    token: str | None = field(default=None, repr=False)
    allowed_hosts: tuple[str, ...] = ()
    cors_origins: tuple[str, ...] = ()
    uploads: Path | None = None
    read_only: bool = False
    limits: RequestLimits = field(default_factory=RequestLimits)
    reading: Limits = field(default_factory=lambda: Limits(max_pages=5_000, page_timeout_s=60.0))

    def __post_init__(self) -> None:
        if not self.token and self.host not in LOOPBACK:
            raise InputError(
                f"listening on {self.host} needs a token: other machines could read the library",
                hint="Give --token or set MAXSIGHT_API_TOKEN, or listen on 127.0.0.1.",
            )
        if self.token and (len(self.token) < MIN_TOKEN_CHARS or not self.token.isascii()):
            raise InputError(
                f"a token has at least {MIN_TOKEN_CHARS} ASCII characters",
                hint="Make one: python -c 'import secrets; print(secrets.token_urlsafe())'",
            )
        if "*" in self.cors_origins or "*" in self.allowed_hosts:
            raise InputError(
                "a wildcard would let every web site in", hint="Name the origins and hosts one by one."
            )

    @property
    def hosts(self) -> frozenset[str]:
        """Host names that requests may use for this server."""
        return frozenset(name.lower() for name in (*LOOPBACK, self.host, *self.allowed_hosts))
