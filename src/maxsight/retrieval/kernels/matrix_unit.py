"""Whether this process may use the processor's matrix unit (AMX). Known without loading a compiler."""

from __future__ import annotations

import ctypes
import sys
from functools import cache
from pathlib import Path

NEEDED = {"amx_tile", "amx_int8", "gfni", "avx512f"}
"""Whatever has such a unit has the other two: they make bits bytes for it."""
ARCH_PRCTL = 158
REQUEST_PERMISSION, TILE_DATA = 0x1023, 18
"""Of Linux, whose threads have no room for tiles until it is asked for. Source: Documentation/arch/x86/xstate.rst."""


@cache
def allow_matrices() -> bool:
    """Ask for the matrix unit, for all threads from now on; False where there is none or the system says no."""
    if sys.platform != "linux" or not _features() >= NEEDED:
        return False
    return bool(ctypes.CDLL(None).syscall(ARCH_PRCTL, REQUEST_PERMISSION, TILE_DATA) == 0)


def _features() -> set[str]:
    try:
        with Path("/proc/cpuinfo").open() as lines:
            return set(next((line for line in lines if line.startswith("flags")), "").split())
    except OSError:
        return set()
