"""Whether this process may use the processor's matrix unit (AMX). Found out without loading a compiler."""

from __future__ import annotations

import ctypes
import sys
from functools import cache
from pathlib import Path

REQUIRED_FEATURES = {"amx_tile", "amx_int8", "gfni", "avx512f"}
"""All processors with the unit have the other two; they unpack bits to bytes for it."""
ARCH_PRCTL = 158
REQUEST_PERMISSION, TILE_DATA = 0x1023, 18
"""Linux gives threads no memory for tiles until they ask. Source: Documentation/arch/x86/xstate.rst."""


@cache
def request_matrix_unit() -> bool:
    """Ask the system for the matrix unit, for all threads from now on, and return whether it may be used."""
    if sys.platform != "linux" or not _features() >= REQUIRED_FEATURES:
        return False
    return bool(ctypes.CDLL(None).syscall(ARCH_PRCTL, REQUEST_PERMISSION, TILE_DATA) == 0)


def _features() -> set[str]:
    try:
        with Path("/proc/cpuinfo").open() as lines:
            return set(next((line for line in lines if line.startswith("flags")), "").split())
    except OSError:
        return set()
