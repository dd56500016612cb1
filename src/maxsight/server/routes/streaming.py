"""For routes that send events as they come."""

from __future__ import annotations

from collections.abc import AsyncIterator

from anyio import BrokenResourceError
from fastapi import Depends


async def _ignore_hang_ups() -> AsyncIterator[None]:
    try:
        yield
    except* BrokenResourceError:
        pass


IGNORE_HANG_UPS = Depends(_ignore_hang_ups)
"""For a route's ``dependencies``: logs no error when a caller leaves while an event waits to be sent.

FastAPI then closes the stream that it still writes to, and reports an error (its discussion 15725). Errors of the route
itself are raised as usual.
"""
