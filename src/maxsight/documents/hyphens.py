"""Words that are divided by a hyphen at the end of a line.

A hyphen may belong to the word (``long-term``) or only to the line (``founda-tional``). Other words of the page decide.
If they do not, English does: two parts that are English words are a compound.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cached_property
from itertools import pairwise

from maxsight.spelling import english_words

HYPHENS = "-\u2010\u2011"
SOFT_HYPHEN = "\xad"
MIN_WORD = 4
"""Letters of a word of the page that counts as a part of a compound. Shorter ones may be syllables of any language."""
MIN_LONG_WORD = 6
"""Letters of a part that is a word rather than a syllable, even if the other part is rare."""
MIN_ENGLISH_SHARE = 0.5
_ENDINGS = ("s", "es", "d", "ed", "ing", "ly", "al")

# Scripts that divide words at the end of a line.
_LETTER = "(?:(?![\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff])[^\\W\\d_])"
_HEAD = re.compile(f"(?<!{_LETTER})({_LETTER}+)[{HYPHENS}{SOFT_HYPHEN}]$")  # a long blob is searched once
_TAIL = re.compile(f"{_LETTER}+")
_WORD = re.compile(f"{_LETTER}+(?:[{HYPHENS}]{_LETTER}+)*")


class Hyphens:
    """Joins the divided words of one page.

    Args:
        tokens: Lists the words of the page. It is called once a word is divided.
    """

    def __init__(self, tokens: Callable[[], Sequence[str]]) -> None:
        self._tokens = tokens

    def join(self, head: str, tail: str) -> str | None:
        """Return the end of a line as it is spelt before the next line's start; None if they are two words.

        Args:
            head: The last word of a line.
            tail: The first word of the next one.
        """
        first, second = _HEAD.search(head), _TAIL.match(tail)
        if first is None or second is None:
            return None
        keeps = head[-1] != SOFT_HYPHEN and self._is_compound(first[1], second[0])
        return head if keeps else head[:-1]

    def _is_compound(self, first: str, second: str) -> bool:
        if (first.isupper() or second[0].isupper()) and not (first.isupper() and second.isupper()):
            return True  # ``Sarbanes-Oxley``, ``FDIC-insured``
        one, two = first.casefold(), second.casefold()
        whole = one + two
        if whole in self._page_words:
            return False
        if f"{one}-{two}" in self._page_words:
            return True
        if self._is_english and _is_english_word(whole):
            return False
        if min(len(one), len(two)) >= MIN_LONG_WORD and self._is_word(two):
            return True  # ``divestiture-related``: a rare word before a common one
        return self._is_word(one) and self._is_word(two)

    def _is_word(self, word: str) -> bool:
        if self._is_english and _is_english_word(word):
            return True
        return len(word) >= MIN_WORD and word in self._page_words

    @cached_property
    def _page_words(self) -> frozenset[str]:
        """The words within lines, in small letters, compounds as wholes and in parts."""
        words: set[str] = set()
        for before, token in pairwise(["", *self._tokens()]):
            if not (_HEAD.search(before) or _HEAD.search(token)):
                for word in _WORD.findall(token.casefold()):
                    words.update((re.sub(f"[{HYPHENS}]", "-", word), *_TAIL.findall(word)))
        return frozenset(words)

    @cached_property
    def _is_english(self) -> bool:
        known = sum(word in english_words() for word in self._page_words)
        return known >= MIN_ENGLISH_SHARE * len(self._page_words)


def _is_english_word(word: str) -> bool:
    known = english_words()
    return word in known or any(
        word.removesuffix(ending) in known for ending in _ENDINGS if word.endswith(ending)
    )
