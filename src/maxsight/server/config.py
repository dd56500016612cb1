"""What a server is told when it is started: whom it answers, and what a request may cost."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from maxsight.documents import Limits
from maxsight.errors import InputError

LOOPBACK = ("127.0.0.1", "localhost", "::1")
SHORTEST_TOKEN = 16


@dataclass(frozen=True, slots=True)
class RequestLimits:
    """What requests may cost. Whatever is over a limit is refused by name.

    Attributes:
        body_bytes: Bytes of a request that brings no files.
        request_s: Seconds that a request's headers may take to come, and then its body if it brings no files.
        answer_s: Seconds that what waits to be sent to a caller may wait to be read.
        query_chars: Characters of a question.
        filter_chars: Characters of a filter.
        upload_bytes: Bytes of one upload, all its files together.
        upload_files: Files of one upload.
        uploads: Uploads that may come at once.
        upload_s: Seconds that one upload may take.
        stall_s: Seconds an upload may stand still.
        asks: Questions that may be answered in words at once.
        waiting_pages: Pieces of work on pages (read, draw, explain) that may be done or wait.
        waiting_searches: Searches that may wait for their turn.
        waiting_jobs: Jobs that may wait for their turn.
        cache_bytes: Bytes of page pictures kept on the disk.
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
    asks: int = 8
    waiting_pages: int = 256
    waiting_searches: int = 256
    waiting_jobs: int = 32
    cache_bytes: int = 500_000_000
    connections: int = 1_000


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """How a server runs.

    Attributes:
        host: The address it listens on.
        token: What a caller must show; None for nothing, which only an address of this machine allows.
        allowed_hosts: Names it answers to besides its own address.
        cors_origins: Web sites whose pages may call the API.
        uploads: Where uploaded files are kept; ``uploads`` beside the library, if not given.
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
        if self.token and (len(self.token) < SHORTEST_TOKEN or not self.token.isascii()):
            raise InputError(
                f"a token has at least {SHORTEST_TOKEN} ASCII characters",
                hint="Make one: python -c 'import secrets; print(secrets.token_urlsafe())'",
            )
        if "*" in self.cors_origins or "*" in self.allowed_hosts:
            raise InputError("a wildcard lets any web site in", hint="Name the origins and hosts one by one.")

    @property
    def hosts(self) -> frozenset[str]:
        """Names that a request may call this server by."""
        return frozenset(name.lower() for name in (*LOOPBACK, self.host, *self.allowed_hosts))
