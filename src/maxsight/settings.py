"""What the environment says, apart from options that declare a variable of their own."""

from __future__ import annotations

import os
from pathlib import Path

DEFAULT_LIBRARY = "maxsight.library"


def default_library() -> Path:
    """Where the library lies when nobody says: ``MAXSIGHT_LIBRARY``, else ``./maxsight.library``."""
    return Path(os.environ.get("MAXSIGHT_LIBRARY") or DEFAULT_LIBRARY)


def cpu_count() -> int:
    """CPUs this process may use; containers and ``taskset`` give fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
