"""How many requests of one kind are served at once: one more is refused at once, so that no queue grows without end."""

from __future__ import annotations

from types import TracebackType

from maxsight.server.problems import RefusedError


class Admission:
    """Lets a number of requests in, each for the length of a ``with`` block. For the event loop's thread."""

    def __init__(self, doing: str, most: int, hint: str, *, retry_after_s: int = 1) -> None:
        """Let anyone in.

        Args:
            doing: What goes on inside, in the plural: ``uploads are coming``.
            most: How many may be inside.
            hint: What one who is refused can do.
            retry_after_s: When to try again.
        """
        self._doing = doing
        self._most = most
        self._hint = hint
        self._retry_after_s = retry_after_s
        self._inside = 0

    def __enter__(self) -> None:
        """Come in.

        Raises:
            RefusedError: As many are inside as may be.
        """
        if self._inside >= self._most:
            raise RefusedError(
                503,
                "too-busy",
                f"{self._inside} {self._doing} already",
                self._hint,
                headers={"Retry-After": str(self._retry_after_s)},
            )
        self._inside += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave."""
        self._inside -= 1
