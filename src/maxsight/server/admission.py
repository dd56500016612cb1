"""A limit on the requests of one kind at once. One more is refused, so that no queue grows without end."""

from __future__ import annotations

from types import TracebackType

from maxsight.server.problems import too_busy


class Admission:
    """Admits a number of requests, each for the length of a ``with`` block. For the event loop's thread."""

    def __init__(self, doing: str, limit: int, hint: str, *, retry_after_s: int = 1) -> None:
        """Start empty.

        Args:
            doing: What admitted requests do, in the plural: ``uploads are coming``.
            limit: How many are admitted at once.
            hint: What a refused caller can do.
            retry_after_s: When to try again.
        """
        self._doing = doing
        self._limit = limit
        self._hint = hint
        self._retry_after_s = retry_after_s
        self._inside = 0

    def __enter__(self) -> None:
        """Admit a request.

        Raises:
            RefusedError: The limit is reached.
        """
        if self._inside >= self._limit:
            raise too_busy(
                f"{self._inside} {self._doing} already", self._hint, retry_after_s=self._retry_after_s
            )
        self._inside += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Make room for another request."""
        self._inside -= 1
