"""What the environment says, apart from options that declare a variable of their own."""

from __future__ import annotations

import os
from pathlib import Path

DEFAULT_LIBRARY = "maxsight.library"


def default_library() -> Path:
    """Where the library lies when nobody says: ``MAXSIGHT_LIBRARY``, else ``./maxsight.library``."""
    return Path(os.environ.get("MAXSIGHT_LIBRARY") or DEFAULT_LIBRARY)


def default_devices() -> tuple[str, ...]:
    """Where encoders run when nobody says: ``MAXSIGHT_DEVICE`` (``cuda:1``, ``cuda:0,cuda:1``), else ``auto``."""
    named = os.environ.get("MAXSIGHT_DEVICE", "").split(",")
    return tuple(device for device in map(str.strip, named) if device) or ("auto",)


def cpu_count() -> int:
    """CPUs this process may use; containers and ``taskset`` give fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
