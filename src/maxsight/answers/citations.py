"""Citations in an answer, found while it is still coming."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_CITATION = re.compile(r"\[\s*(?:pages?\s+)?(\d{1,3}(?:\s*[,;]\s*\d{1,3})*)\s*\]", re.IGNORECASE)
_UNFINISHED = re.compile(r"\[[\sa-z\d,;]{0,40}$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Citation:
    """The number of a page that an answer gives as its source.

    Attributes:
        number: As it was cited.
    """

    number: int


class CitationReader:
    """Separates citations from text, however the answer is cut into parts."""

    def __init__(self) -> None:
        self._waiting = ""

    def feed(self, part: str) -> Iterator[str | Citation]:
        """Take the next part of an answer. Return the text that is final by now."""
        text = self._waiting + part
        unfinished = _UNFINISHED.search(text)
        end = unfinished.start() if unfinished else len(text)
        self._waiting = text[end:]
        yield from _split(text[:end])

    def finish(self) -> Iterator[str | Citation]:
        """Give the rest at the end of the answer."""
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
