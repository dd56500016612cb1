"""What an audit of a library's search measured, as it is kept beside the library's pages."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

OUTGROWN = 4
"""Times as many pages as were measured: of more, an audit says nothing."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Setting:
    """The search with one number of candidates.

    Attributes:
        candidates: How many pages are looked at closely.
        recall: Share of the exact top pages that it finds, the mean over all queries.
        recall_low: What the mean is at least for other queries of this kind, with 95 % confidence.
        lowest: The share for the query it serves worst.
        latency_p50_ms: Median time to rank pages for a query that is encoded already.
        latency_p95_ms: 95th percentile.
    """

    candidates: int
    recall: float
    recall_low: float
    lowest: float
    latency_p50_ms: float
    latency_p95_ms: float


@dataclass(frozen=True, slots=True)
class Audit:
    """What was measured, and what follows.

    Attributes:
        date: When, as ``2026-11-21``.
        pages: Pages in the library at the time.
        queries: How many were asked.
        source: Where they came from, for people.
        top_k: How many of the exact best pages were looked for.
        target: The recall that is wanted.
        default: Candidates that a search takes without an audit.
        exact_ms: Median time to score every page for a query.
        settings: With fewer candidates first; the last looks at all pages.
        binary_queries: Whether queries were reduced to signs to choose candidates, see ``retrieval.codes``.
    """

    date: str
    pages: int
    queries: int
    source: str
    top_k: int
    target: float
    default: int
    exact_ms: float
    settings: tuple[Setting, ...]
    binary_queries: bool = True

    @property
    def recommended(self) -> Setting | None:
        """The one with the fewest candidates that surely meets the target; None where only scoring every page does.

        Where looking at all pages was quicker, it is that: no time goes into choosing among them.
        """
        return self._enough(self.target)

    def holds_for(self, pages: int) -> bool:
        """Whether it says how to search so many pages: there was something to choose, and they are not far more."""
        return len(self.settings) > 1 and pages <= OUTGROWN * self.pages

    def candidates_for(self, target: float, *, pages: int, top_k: int) -> int | None:
        """How many candidates a search needs.

        Where the library has grown it is more by the root of that, as it is by default; where more pages are asked
        for than were, in proportion.

        Args:
            target: The recall to meet.
            pages: In the library now.
            top_k: How many pages are asked for.

        Returns:
            Candidates, or None where every page has to be scored.
        """
        setting = self._enough(target)
        if setting is None:
            return None
        growth = math.sqrt(max(1.0, pages / self.pages)) * max(1.0, top_k / self.top_k)
        return math.ceil(setting.candidates * growth)

    def _enough(self, target: float) -> Setting | None:
        """The setting that meets a target together with all above it: no lucky one below a worse one."""
        fewest = None
        for setting in reversed(self.settings):
            if setting.recall_low < target:
                break
            fewest = setting
        everything = self.settings[-1]
        if fewest is not None and everything.latency_p50_ms < fewest.latency_p50_ms:
            return everything
        return fewest

    def to_json(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Audit | None:
        """Read an audit; None where another version wrote it and it can't be understood: defaults hold then."""
        try:
            fields = _known(cls, json.loads(text))
            settings: Sequence[Any] = fields.pop("settings")
            return cls(**fields, settings=tuple(Setting(**_known(Setting, setting)) for setting in settings))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            logger.warning("the library's audit can't be read, audit it again: %s", error)
            return None


def _known(kind: type[Audit] | type[Setting], given: dict[str, Any]) -> dict[str, Any]:
    return {name: given[name] for name in kind.__slots__ if name in given}
