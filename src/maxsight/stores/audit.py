"""What an audit of a library's search measured. It is stored with the pages."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

MAX_GROWTH = 4
"""An audit holds for at most so many times the pages that were measured."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Setting:
    """The search with one number of candidates.

    Attributes:
        candidates: How many pages are candidates.
        recall: Mean over all queries of the share of exact top pages that it finds.
        recall_low: Lower 95 % confidence bound of that mean.
        lowest: The smallest share of all queries.
        latency_p50_ms: Median time to rank pages for an encoded query.
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
    """What was measured.

    Attributes:
        date: The day, as ``2026-11-21``.
        pages: Pages in the library at the time.
        queries: Number of queries.
        source: Where the queries came from, for people.
        top_k: How many of the exact best pages a search had to find.
        target: The wanted recall.
        default: Candidates of a search without an audit.
        exact_ms: Median time to score every page for a query.
        settings: Measured settings, fewest candidates first; in the last, all pages are candidates.
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
        """The setting with the fewest candidates that meets the target; None if only scoring every page does.

        If the setting with all pages was faster, it is that one.
        """
        return self._enough(self.target)

    def holds_for(self, pages: int) -> bool:
        """Whether it can guide the search of so many pages: it has several settings, and they are not far more."""
        return len(self.settings) > 1 and pages <= MAX_GROWTH * self.pages

    def candidates_for(self, target: float, *, pages: int, top_k: int) -> int | None:
        """Estimate how many candidates a search needs.

        The number grows with the root of the number of pages, as the default does, and in proportion to ``top_k``.

        Args:
            target: The recall to meet.
            pages: Pages in the library now.
            top_k: How many pages are asked for.

        Returns:
            Candidates, or None if every page must be scored.
        """
        setting = self._enough(target)
        if setting is None:
            return None
        growth = math.sqrt(max(1.0, pages / self.pages)) * max(1.0, top_k / self.top_k)
        return math.ceil(setting.candidates * growth)

    def _enough(self, target: float) -> Setting | None:
        """The smallest setting that meets a target, as do all larger ones: a single lucky one does not count."""
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
        """Write the audit as one line of JSON."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Audit | None:
        """Read an audit; None if it can't be understood, as from another version. Searches use the default then."""
        try:
            fields = _known(cls, json.loads(text))
            settings: Sequence[Any] = fields.pop("settings")
            return cls(**fields, settings=tuple(Setting(**_known(Setting, setting)) for setting in settings))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            logger.warning("the library's audit can't be read, audit it again: %s", error)
            return None


def _known(kind: type[Audit] | type[Setting], given: dict[str, Any]) -> dict[str, Any]:
    return {name: given[name] for name in kind.__slots__ if name in given}
