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

import numpy as np
from numpy.typing import NDArray

from maxsight import settings

PATIENCE = 20e6
"""Comparisons of a vector and a query token that numpy does first: about half a second's."""

USUAL_TOKENS = 16

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Kernels:
    """The best compiled kernels of this machine: each makes, of a query, the function that scores pages.

    Attributes:
        sign_scorer: By sign codes, see ``kernels``.
        fine_scorer: By fine codes, see ``kernels`` and ``matrix_kernels``.
        exact_scorer: By vectors, see ``kernels``.
    """

    sign_scorer: Callable[..., Callable[..., None]]
    fine_scorer: Callable[..., Callable[..., None]]
    exact_scorer: Callable[..., Callable[..., None]]


def kernels_for(counts: NDArray[np.int64], tokens: int) -> Kernels | None:
    """The kernels for scoring pages; None where numpy is to do it.

    Args:
        counts: Vectors of each page.
        tokens: Query tokens they are compared with.
    """
    return _loader.kernels_for(float(counts.sum()) * tokens)


def compile_for(vectors: int) -> None:
    """Compile the kernels now, if that was never done and searches of so many vectors will want them."""
    if vectors * USUAL_TOKENS > PATIENCE:
        load_kernels()


def load_kernels() -> Kernels | None:
    """Load the kernels now, compiling them if that was never done; None where they don't work."""
    return _loader.load()


class _Loader:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tried = False
        self._kernels: Kernels | None = None
        self._done = 0.0

    def kernels_for(self, work: float) -> Kernels | None:
        if not self._tried:
            self._done += work
            if settings.kernels() == "auto" and self._done < PATIENCE:
                return None
            self.load()
        return self._kernels

    def load(self) -> Kernels | None:
        with self._lock:
            if not self._tried:
                if settings.kernels() != "numpy":
                    self._kernels = _import()
                self._tried = True
        return self._kernels


def _import() -> Kernels | None:
    try:
        from maxsight.retrieval import kernels
        from maxsight.retrieval.matrix_unit import allow_matrices

        fine_scorer = kernels.fine_scorer
        if allow_matrices():
            from maxsight.retrieval.matrix_kernels import fine_scorer
    except Exception as error:  # whatever keeps a compiler from working, there is another way
        logger.warning("searches are slower without compiled kernels: %s: %s", type(error).__name__, error)
        return None
    return Kernels(kernels.sign_scorer, fine_scorer, kernels.exact_scorer)


_loader = _Loader()
