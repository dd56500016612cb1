"""Words that stand on nearly every page and tell none from another: articles, prepositions, question words."""

from __future__ import annotations

from collections.abc import Sequence

from maxsight.encoders.minilm.language import SMALL_WORDS, foreign_language

ENGLISH = frozenset(
    "a about above after again against all also am among an and any are as at be because been before being below "
    "between both but by can could did do does doing down during each either ever few for from further give given had "
    "has have having he her here hers him his how i if in into is it its itself just let may me might more most must "
    "my no nor not of off on once only or other our out over own please same shall she should show so some such tell "
    "than that the their them then there these they this those through to too under until up upon us very was we were "
    "what whats what's when where whether which while who whom whose why will with within would you your".split()
)


def common_words(words: Sequence[str]) -> list[bool]:
    """Say of each word of a query whether it is common, in the query's language. If all are, none counts as common."""
    language = foreign_language(" ".join(words))
    known = ENGLISH if language is None else SMALL_WORDS[language]
    common = [word.lower() in known for word in words]
    return [False] * len(words) if all(common) else common
