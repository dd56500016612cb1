"""When to load the compiled kernels.

Loading them takes about a second, and compiling them the first time a few more. A single search of a small library is
over by then. So numpy computes until it has done as much work as loading costs. Where numba is missing (the extra
``fast``) or fails, numpy does it all.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maxsight import settings
from maxsight.retrieval.kernels import reference
from maxsight.retrieval.kernels.matrix_unit import request_matrix_unit
from maxsight.retrieval.kernels.reference import ExactScore, Levels, Score
from maxsight.types import Floats

MAX_NUMPY_COMPARISONS = 20e6
"""Comparisons of a vector and a query token that numpy does before kernels are loaded: about half a second."""
COMPARISONS_PER_PAGE = 1000
"""The time that numpy needs for each page on top, in comparisons."""
TYPICAL_TOKENS = 16

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Kernels:
    """A set of functions that each prepare queries and return a function that scores pages.

    Attributes:
        sign_scorer: For sign codes, see ``reference.sign_scorer``.
        four_bit_scorer: For 4-bit codes, see ``reference.four_bit_scorer``.
        exact_scorer: For float16 vectors, see ``reference.exact_scorer``.
        binary_queries: Whether ``sign_scorer`` reduces queries to signs.
    """

    sign_scorer: Callable[[Sequence[Levels]], Score]
    four_bit_scorer: Callable[[NDArray[np.int8], NDArray[np.float32]], Score]
    exact_scorer: Callable[[Floats], ExactScore]
    binary_queries: bool


NUMPY = Kernels(
    reference.sign_scorer, reference.four_bit_scorer, reference.exact_scorer, binary_queries=False
)


def kernels_for(counts: NDArray[np.int64], tokens: int) -> Kernels:
    """Return the kernels for scoring pages, and load the compiled ones if that pays.

    Args:
        counts: Vectors of each page.
        tokens: Query tokens they are compared with.
    """
    return _loader.kernels_for(float(counts.sum()) * tokens + COMPARISONS_PER_PAGE * len(counts))


def compile_for(vectors: int) -> None:
    """Compile the kernels now if searches of so many vectors will want them."""
    if vectors * TYPICAL_TOKENS > MAX_NUMPY_COMPARISONS:
        load_kernels()


def queries_are_binary() -> bool:
    """Return whether searches reduce queries to signs to compare them with sign codes."""
    if _loader.kernels is not None:
        return _loader.kernels.binary_queries
    return settings.kernels() != "numpy" and find_spec("numba") is not None and not request_matrix_unit()


def load_kernels() -> Kernels:
    """Load the compiled kernels now, and compile them the first time; return ``NUMPY`` where they don't work."""
    return _loader.load()


class _Loader:
    def __init__(self) -> None:
        self.unlock()
        self.kernels: Kernels | None = None
        self._done = 0.0

    def unlock(self) -> None:
        """Make the lock; again in a forked child, where the thread that held it is missing."""
        self._lock = threading.Lock()

    def kernels_for(self, work: float) -> Kernels:
        if self.kernels is None:
            self._done += work
            if settings.kernels() == "auto" and self._done < MAX_NUMPY_COMPARISONS:
                return NUMPY
        return self.load()

    def load(self) -> Kernels:
        if self.kernels is None:
            with self._lock:
                if self.kernels is None:
                    self.kernels = NUMPY if settings.kernels() == "numpy" else _import()
        return self.kernels


def _import() -> Kernels:
    if find_spec("numba") is None:
        logger.info("searches take about five times as long without the extra 'fast'")
        return NUMPY
    try:
        from maxsight.retrieval.kernels import bits, exact
        from maxsight.retrieval.kernels.instructions import FEATURES

        codes: Any = bits
        if FEATURES and request_matrix_unit():
            from maxsight.retrieval.kernels import amx

            codes = amx
    except Exception as error:  # a compiler can fail in many ways, and numpy can do its work
        logger.warning("searches are slower without compiled kernels: %s: %s", type(error).__name__, error)
        return NUMPY
    return Kernels(codes.sign_scorer, codes.four_bit_scorer, exact.exact_scorer, binary_queries=codes is bits)


_loader = _Loader()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_loader.unlock)
