"""What a question asks for to the letter: quoted phrases, and words with a minus that must not be there.

``"net sales of" -Kraken growth`` finds pages that have the phrase and not the word, ranked for ``net sales of growth``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from maxsight.errors import EmptyQueryError, InputError
from maxsight.stores.conditions import AllOf, Condition, Contains, Filter, Not
from maxsight.stores.fields import PAGE_TEXT
from maxsight.stores.phrases import MAX_PHRASES, words_of

_PART = re.compile(
    r"""(?<!\S)(?P<minus>-)(?=["“„«\w])|"""
    r"""(?<!\w)(?:"(?=\S)(?P<plain>[^"]+)(?<=\S)"|[“„](?P<curly>[^“”„]+)[“”]|«(?P<angle>[^«»]+)»)(?!\w)""",
)
_WORD = re.compile(r"[^\W\d_]\S*")


@dataclass(frozen=True, slots=True)
class Quoted:
    """A question, read.

    Attributes:
        text: What pages are ranked for: the question without quotation marks, and without excluded words.
        phrases: What a page must have to the letter.
        excluded: What it must not have.
    """

    text: str
    phrases: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()

    def condition(self, where: Filter | None) -> Filter | None:
        """Return the filter for the pages that have the phrases, and not the excluded ones, within another filter."""
        parts: list[Condition] = [] if where is None else [where.condition]
        parts += (Contains(PAGE_TEXT, phrase) for phrase in self.phrases)
        parts += (Not(Contains(PAGE_TEXT, phrase)) for phrase in self.excluded)
        return Filter(parts[0] if len(parts) == 1 else AllOf(tuple(parts))) if parts else None


def read_quoted(question: str, phrases: Sequence[str] = ()) -> Quoted:
    """Find the quoted phrases and excluded words of a question.

    Args:
        question: As it was typed.
        phrases: More phrases that a page must have.

    Raises:
        EmptyQueryError: It only excludes.
        InputError: It has too many phrases and excluded words.
    """
    kept: list[str] = []
    found, excluded = list(phrases), []
    end = 0
    while part := _PART.search(question, end):
        kept.append(question[end : part.start()])
        end = part.end()
        if part["minus"] is None:
            phrase = part[part.lastgroup or 0]
            kept.append(phrase)
            found += [phrase] if words_of(phrase) else []
        elif (quoted := _PART.match(question, end)) and quoted["minus"] is None:
            excluded.append(quoted[quoted.lastgroup or 0])
            end = quoted.end()
        elif word := _WORD.match(question, end):
            excluded.append(word[0])
            end = word.end()
        else:
            kept.append("-")  # a negative number
    text = " ".join("".join([*kept, question[end:]]).split()) if found or excluded else question
    excluded = [phrase for phrase in excluded if words_of(phrase)]
    if excluded and not text:
        raise EmptyQueryError("the query only excludes words", hint="Also type what to search for.")
    asked = Quoted(text, tuple(dict.fromkeys(found)), tuple(dict.fromkeys(excluded)))
    if (count := len(asked.phrases) + len(asked.excluded)) > MAX_PHRASES:
        raise InputError(
            f"the query has {count:,} quoted phrases and excluded words; the limit is {MAX_PHRASES}",
            hint="Leave some of the quotation marks and minus signs out.",
        )
    return asked
