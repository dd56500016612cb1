"""Each kind of tiny checkpoint of pictures, opened once in a run."""

from functools import cache

import pytest


@pytest.fixture(scope="session")
def opened_once(tiny_checkpoint):
    """``opened_once(kind)`` opens one; nothing of it may be changed."""
    from opened import open_tiny

    return cache(lambda kind: open_tiny(kind, tiny_checkpoint))
