"""Names that nobody knows, and the known ones they may stand for."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from difflib import get_close_matches

from maxsight.errors import UnknownParameterError

MOST_CHARS = 100


def did_you_mean(name: str, known: Collection[str]) -> str:
    """The end of an error about an unknown name: ``; did you mean year?``, or nothing where none is like it."""
    same_but_for_case = [other for other in known if other.lower() == name.lower()]
    meant = same_but_for_case or get_close_matches(name[:MOST_CHARS], known, n=1)
    return asking_for(meant)


def asking_for(meant: Sequence[str]) -> str:
    """``; did you mean year?`` or ``; did you mean a.pdf or b.pdf?``; nothing where nothing was found."""
    return f"; did you mean {' or '.join(meant)}?" if meant else ""


def check_parameters(given: Collection[str], known: Collection[str], of: str) -> None:
    """Refuse parameters that would otherwise go unnoticed.

    Args:
        given: Names as a caller wrote them.
        known: Names there are.
        of: What takes them.

    Raises:
        UnknownParameterError: One of them is not known.
    """
    for name in given:
        if name not in known:
            raise UnknownParameterError(
                f"unknown parameter {name[:MOST_CHARS]!r}{did_you_mean(name, known)}",
                hint=f"{of} takes {', '.join(known) or 'none'}.",
            )


def listed(names: Sequence[str], separator: str = ", ", *, most: int = 3) -> str:
    """Name the first of some things and count the rest."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return separator.join(names[:most]) + more
