"""Who judges the pages of uploads: the judge who was named, else the one who has judged the library's pages."""

from __future__ import annotations

from maxsight import extras
from maxsight.indexing import PageJudge, judges_of, load_judge
from maxsight.library import Library


class Judges:
    """Finds the judge of each job. For the thread that does them."""

    def __init__(self, named: PageJudge | None) -> None:
        """Remember who was named; None for whoever has judged the pages there are."""
        self._named = named
        self._own: PageJudge | None = None

    def judge_for(self, library: Library) -> PageJudge | None:
        """Who is to judge what comes into a library; None for nobody.

        Pages that other models have judged are not comparable with what ours says, so then nobody does unless named.
        """
        if self._named is not None:
            return self._named
        seen = judges_of(library.documents())
        if not seen or not all(package.serves for package in extras.packages("quality")):
            return None
        own = self._own = self._own or load_judge()
        return own if seen == {own.revision} else None
