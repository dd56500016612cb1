"""``LIKE`` patterns: ``%`` stands for any text, ``_`` for one character, a backslash makes the next one literal."""

from __future__ import annotations

import re
from functools import lru_cache

MAX_PATTERN_LENGTH = 4_096
"""As long as the longest path on Linux. Lance makes a regular expression of it, which must not be large."""

FINAL_SIGMA, SIGMA = "\u03c2", "\u03c3"
"""Which of them is the lower case of a capital sigma depends on the next letter, which a pattern may not have."""


def fold(text: str) -> str:
    """Convert text to the form that ``ILIKE`` compares: lower case, with one small sigma."""
    return text.lower().replace(FINAL_SIGMA, SIGMA)


@lru_cache(maxsize=64)
def compile_like(pattern: str) -> re.Pattern[str]:
    """Make a regular expression that a whole text must match.

    A match takes at most as many steps as the product of both lengths. For the text between two ``%``, the first place
    that fits is always right: it leaves the most text for the rest. So an atomic group, ``(?>...)``, keeps that place
    and never goes back. The text after the last ``%`` is compared with the end.
    """
    segments: list[list[str]] = [[]]
    for token in re.findall(r"\\?.", pattern, re.DOTALL):
        if token == "%":
            segments.append([])
        else:
            segments[-1].append("." if token == "_" else re.escape(token[-1]))
    regex, *others = map("".join, segments)
    if others:
        *middle, last = others
        regex += "".join(f"(?>.*?{segment})" for segment in middle if segment)
        regex += f".{{{len(segments[-1])},}}+(?<={last})"
    return re.compile(regex, re.DOTALL)
