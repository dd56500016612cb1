"""Whether this process may use the processor's matrix unit (AMX)."""

from __future__ import annotations

import ctypes
import sys

from maxsight.retrieval.instructions import FEATURES

ARCH_PRCTL = 158
NEEDED = ("amx-tile", "amx-int8", "gfni", "avx512f")
"""Whatever has such a unit has the other two: they make bits bytes for it."""
REQUEST_PERMISSION, TILE_DATA = 0x1023, 18
"""Of Linux, whose threads have no room for tiles until it is asked for. Source: Documentation/arch/x86/xstate.rst."""


def allow_matrices() -> bool:
    """Ask for the matrix unit, for all threads from now on; False where there is none or the system says no."""
    if sys.platform != "linux" or not all(map(FEATURES.get, NEEDED)):
        return False
    return bool(ctypes.CDLL(None).syscall(ARCH_PRCTL, REQUEST_PERMISSION, TILE_DATA) == 0)
