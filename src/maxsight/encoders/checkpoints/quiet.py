"""Keeping the libraries' progress bars and notices off the user's terminal.

What matters in them is checked for and raised as an error of ours.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock

from transformers.utils import logging as transformers_logging

LOGGERS = ("transformers", "sentence_transformers")
_ONE_AT_A_TIME = RLock()
"""Else two threads would restore each other's silence."""


@contextmanager
def quiet() -> Iterator[None]:
    """Silence transformers and sentence-transformers up to errors; afterwards all is as it was."""
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
