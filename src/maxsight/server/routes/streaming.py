"""What routes share that send events as they come."""

from __future__ import annotations

from collections.abc import AsyncIterator

from anyio import BrokenResourceError
from fastapi import Depends


async def _hung_up() -> AsyncIterator[None]:
    try:
        yield
    except* BrokenResourceError:
        pass


MAY_HANG_UP = Depends(_hung_up)
"""For a route's ``dependencies``: nothing is logged of a caller who goes while an event waits to be sent.

FastAPI then closes the stream that it is still writing to, and takes that for a mistake (its discussion 15725). A
mistake of the route goes on as it would.
"""
