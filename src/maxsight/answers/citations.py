"""Citations in an answer, found while it is still being said."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_CITATION = re.compile(r"\[\s*(?:pages?\s+)?(\d{1,3}(?:\s*[,;]\s*\d{1,3})*)\s*\]", re.IGNORECASE)
_UNFINISHED = re.compile(r"\[[\sa-z\d,;]{0,40}$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Citation:
    """A page that an answer names as its source.

    Attributes:
        number: As it was cited.
    """

    number: int


class CitationReader:
    """Tells citations from text, whatever pieces it comes in."""

    def __init__(self) -> None:
        self._waiting = ""

    def feed(self, said: str) -> Iterator[str | Citation]:
        """Take what was said next, and give what is certain by now."""
        text = self._waiting + said
        unfinished = _UNFINISHED.search(text)
        end = unfinished.start() if unfinished else len(text)
        self._waiting = text[end:]
        yield from _split(text[:end])

    def finish(self) -> Iterator[str | Citation]:
        """Give what is left."""
        yield from _split(self._waiting)
        self._waiting = ""


def _split(text: str) -> Iterator[str | Citation]:
    start = 0
    for found in _CITATION.finditer(text):
        if found.start() > start:
            yield text[start : found.start()]
        yield from (Citation(int(number)) for number in re.findall(r"\d+", found[1]))
        start = found.end()
    if start < len(text):
        yield text[start:]
