"""Compiling kernels with numba, and taking from its cache what an earlier process compiled.

Numba stores compiled functions beside the package, or in the user's cache folder where the package can't be written
to. It compiles again when the function's own file changes. Kernels are also made of other files of their folder, so
their names in the cache contain a checksum of the folder.
"""

from __future__ import annotations

import inspect
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from numba import njit

Loop = Callable[..., None]


def compiled(signature: str) -> Callable[[Loop], Loop]:
    """Compile a function at import, or take it from the cache; without a writable folder it is always compiled.

    Args:
        signature: Types of the arguments, as numba spells them.
    """

    def compile_or_take(function: Loop) -> Loop:
        checksum = folder_checksum(Path(inspect.getfile(function)).parent)
        function.__qualname__ += f"_{checksum:08x}"  # numba's cache has a file for each name
        options: dict[str, Any] = {"nogil": True}
        try:
            return njit(signature, cache=True, **options)(function)
        except (RuntimeError, OSError):
            return njit(signature, **options)(function)

    return compile_or_take


@cache
def folder_checksum(folder: Path) -> int:
    """Sum up the Python files of a folder, by CRC-32."""
    total = 0
    for file in sorted(folder.glob("*.py")):
        total = zlib.crc32(file.read_bytes(), total)
    return total
