"""When to load the compiled kernels.

Loading them takes about a second, and compiling them a few more; what is compiled is kept beside the package, or in
the user's cache folder where that can't be written to. A single search of a small library is over by then. So numpy
works until it has done as much as loading costs. Where there is no numba, or it does not work, numpy does it all.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maxsight import settings
from maxsight.retrieval.kernels.matrix_unit import allow_matrices

PATIENCE = 20e6
"""Comparisons of a vector and a query token that numpy does first: about half a second's."""
PAGE_PRICE = 1000
"""What a page costs numpy beside them."""

USUAL_TOKENS = 16

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Kernels:
    """The best compiled kernels of this machine: each makes, of a query, the function that scores pages.

    Attributes:
        sign_scorer: By sign codes, see ``kernels`` and ``matrix_kernels``.
        four_bit_scorer: By 4-bit codes, see ``kernels`` and ``matrix_kernels``.
        exact_scorer: By vectors, see ``kernels``.
        binary_queries: Whether the first rounds queries to signs too.
    """

    sign_scorer: Callable[..., Callable[..., None]]
    four_bit_scorer: Callable[..., Callable[..., None]]
    exact_scorer: Callable[..., Callable[..., None]]
    binary_queries: bool


def kernels_for(counts: NDArray[np.int64], tokens: int) -> Kernels | None:
    """The kernels for scoring pages; None where numpy is to do it.

    Args:
        counts: Vectors of each page.
        tokens: Query tokens they are compared with.
    """
    return _loader.kernels_for(float(counts.sum()) * tokens + PAGE_PRICE * len(counts))


def compile_for(vectors: int) -> None:
    """Compile the kernels now, if that was never done and searches of so many vectors will want them."""
    if vectors * USUAL_TOKENS > PATIENCE:
        load_kernels()


def queries_are_binary() -> bool:
    """Whether pages are scored by their signs with queries that are rounded to signs too."""
    if _loader.tried:
        return _loader.kernels is not None and _loader.kernels.binary_queries
    return settings.kernels() != "numpy" and find_spec("numba") is not None and not allow_matrices()


def load_kernels() -> Kernels | None:
    """Load the kernels now, compiling them if that was never done; None where they don't work."""
    return _loader.load()


class _Loader:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.tried = False
        self.kernels: Kernels | None = None
        self._done = 0.0

    def kernels_for(self, work: float) -> Kernels | None:
        if not self.tried:
            self._done += work
            if settings.kernels() == "auto" and self._done < PATIENCE:
                return None
            self.load()
        return self.kernels

    def load(self) -> Kernels | None:
        with self._lock:
            if not self.tried:
                if settings.kernels() != "numpy":
                    self.kernels = _import()
                self.tried = True
        return self.kernels


def _import() -> Kernels | None:
    try:
        from maxsight.retrieval.kernels import bits as kernels
        from maxsight.retrieval.kernels.instructions import FEATURES

        best: Any = kernels
        if FEATURES and allow_matrices():
            from maxsight.retrieval.kernels import amx as matrix_kernels

            best = matrix_kernels
    except Exception as error:  # whatever keeps a compiler from working, there is another way
        logger.warning("searches are slower without compiled kernels: %s: %s", type(error).__name__, error)
        return None
    return Kernels(
        best.sign_scorer, best.four_bit_scorer, kernels.exact_scorer, binary_queries=best is kernels
    )


_loader = _Loader()
