"""Who judges new pages: the judge who was named, else the one who has judged the library's pages."""

from __future__ import annotations

from collections.abc import Set

from maxsight import extras
from maxsight.indexing.judging import PageJudge, load_judge
from maxsight.types import Scalar


class Judges:
    """Finds the judge of each run, and keeps the one that comes with maxsight. For one thread at a time."""

    def __init__(self, named: PageJudge | None = None) -> None:
        """Remember who was named; None for whoever has judged the pages there are."""
        self._named = named
        self._own: PageJudge | None = None

    def judge_beside(self, seen: Set[Scalar]) -> PageJudge | None:
        """Who is to judge what comes into a library whose pages were judged by some; None for nobody.

        Pages that other models have judged are not comparable with what ours says, so then nobody does unless named.
        """
        if self._named is not None:
            return self._named
        if not seen or not all(package.serves for package in extras.packages("quality")):
            return None
        own = self._own = self._own or load_judge()
        return own if seen == {own.revision} else None
