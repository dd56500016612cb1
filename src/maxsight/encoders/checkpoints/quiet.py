"""Keeping the libraries' progress bars and warnings off the user's terminal.

Maxsight checks for the problems that they warn of, and raises its own errors.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import RLock

from transformers.utils import logging as transformers_logging

from maxsight.encoders.checkpoints.weights import broken

LOGGERS = ("transformers", "sentence_transformers")
_ONE_AT_A_TIME = RLock()
"""Otherwise two threads would restore each other's silence."""


@contextmanager
def quiet() -> Iterator[None]:
    """Silence transformers and sentence-transformers except for errors, and restore their settings afterwards."""
    with _ONE_AT_A_TIME:
        levels = {name: logging.getLogger(name).level for name in LOGGERS}
        had_bars = transformers_logging.is_progress_bar_enabled()
        try:
            for name in LOGGERS:
                logging.getLogger(name).setLevel(logging.ERROR)
            transformers_logging.disable_progress_bar()
            yield
        finally:
            for name, level in levels.items():
                logging.getLogger(name).setLevel(level)
            if had_bars:
                transformers_logging.enable_progress_bar()


@contextmanager
def reading(folder: Path) -> Iterator[None]:
    """Let the libraries read a folder silently, and translate their errors.

    Raises:
        ModelNotAvailableError: They can't read it.
    """
    try:
        with quiet():
            yield
    except Exception as error:  # settings that do not fit together raise errors of any kind
        reason = str(error).strip() or type(error).__name__
        raise broken(folder, f"can't be opened: {reason.splitlines()[0]}") from error
