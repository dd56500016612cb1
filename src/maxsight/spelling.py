"""Names that are not known, and the known names that were probably meant; words of English."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from difflib import get_close_matches
from functools import cache
from importlib.resources import files

from maxsight.errors import UnknownParameterError

MAX_CHARS = 100
"""Of a name that is compared or repeated in a message."""


def suggest_similar(name: str, known: Collection[str]) -> str:
    """Write the end of an error about an unknown name: ``; did you mean year?``, or nothing if no name is similar."""
    same_but_for_case = [other for other in known if other.lower() == name.lower()]
    return suggest(same_but_for_case or get_close_matches(name[:MAX_CHARS], known, n=1))


def suggest(names: Sequence[str]) -> str:
    """Write ``; did you mean a.pdf or b.pdf?``, or nothing if there are no names."""
    return f"; did you mean {' or '.join(names)}?" if names else ""


def check_parameters(given: Collection[str], known: Collection[str], taker: str) -> None:
    """Refuse unknown parameters, which would otherwise be ignored silently.

    Args:
        given: Names from a caller.
        known: Names that exist.
        taker: Names what takes the parameters, in the hint.

    Raises:
        UnknownParameterError: A name is not known.
    """
    for name in given:
        if name not in known:
            raise UnknownParameterError(
                f"unknown parameter {name[:MAX_CHARS]!r}{suggest_similar(name, known)}",
                hint=f"{taker} takes {', '.join(known) or 'none'}.",
            )


def list_names(names: Sequence[str], separator: str = ", ", *, limit: int = 3) -> str:
    """Name the first things and count the rest: ``a, b, c and 2 more``."""
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return separator.join(names[:limit]) + more


@cache
def english_words() -> frozenset[str]:
    """Return some 20,000 English words in small letters: those that the offline encoder's tokenizer knows whole."""
    tokenizer = files("maxsight") / "encoders" / "minilm" / "tokenizer.json"
    vocabulary = json.loads(tokenizer.read_text(encoding="utf-8"))["model"]["vocab"]
    return frozenset(word for word in vocabulary if word.isascii() and word.isalpha() and len(word) > 1)
