"""Phrases as people quote them, and where a text has them to the letter.

A phrase is found by its words, in order. Upper and lower case are equal, and so are letters with and without accents.
Between two words of the text there may be any white space and punctuation; in a code, such as ``Q3-2022``, only its
own. A hyphen and a line break may part a word. White space may part characters of scripts without spaces.
Numbers are equal however their thousands are parted: ``77,300`` is ``77300``, ``77.300`` and ``77'300``, but no part of
``177,300`` or ``77,300.5``. A plain space parts two numbers, as in tables. The decimal sign may be a point or a comma.

A phrase becomes a regular expression that Python and Lance (Rust's ``regex``) read alike, so it has no look-around.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from functools import cache, lru_cache
from itertools import pairwise

from maxsight.errors import InputError
from maxsight.segmentation import UNSPACED
from maxsight.stores.patterns import FINAL_SIGMA, SIGMA

MAX_PHRASE_LENGTH = 500
"""Characters. A phrase becomes a regular expression of some thirty times its length."""

MAX_PHRASES = 20
"""In a filter, and in a query. Without an index, each costs a scan of the text of every page."""

_TOKEN = re.compile(r"\d+(?:[.,'\u2019\u00a0\u2009\u202f]\d+)+(?!\w)|[^\W_]+")
_GROUPED = re.compile(r"([1-9]\d{0,2}(?:\D\d{3})+)(?:[.,](\d+))?")
_PLAIN = re.compile(r"(\d+)(?:[.,](\d+))?")

_GROUP_MARK = "[.,'\u2019\u00a0\u2009\u202f]?"
_BREAK = "(?:[-\u2010\u00ad][^\\S\n]*\n\\s*|\u00ad)?[\u0300-\u036f]*"
"""Between two letters of a word: a hyphen and a line break, or accents that are characters of their own.

There is one way to read any white space, so that Python's search takes linear time.
"""
_GAP = r"[\W_]+"
_DASH = "[-\u2010\u2011\u2012\u2013\u2212]"
_MAX_BEFORE = 2  # characters
_UNSPACED_LETTERS = (
    "\u3000-\u30ff\u31f0-\u9fff\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff\uac00-\ud7af\u0e00-\u0e4f"
    "\u0e5a-\u0ecf\u0eda-\u0eff\u1000-\u103f\u104a-\u108f\u109a-\u109f\u1780-\u17df\u17ea-\u17ff"
)
"""`BEGINS_ANYWHERE` without digits and Latin letters. A number or a Latin word may touch them: ``2023\u5e74``."""
_WORD_START, _WORD_END = f"(?:^|[\\W_{_UNSPACED_LETTERS}])", f"(?:[\\W_{_UNSPACED_LETTERS}]|$)"
_NUMBER_START = f"(?:^|[^\\w.,]|[_{_UNSPACED_LETTERS}]|(?:^|\\D)[.,])"
_NUMBER_END = f"(?:$|[^\\w.,]|[_{_UNSPACED_LETTERS}]|[.,](?:$|\\D))"

BEGINS_ANYWHERE = re.compile(f"{UNSPACED.pattern}|[\uac00-\ud7af]")
"""Scripts without spaces between words, and Korean, which joins particles to words: a phrase may begin anywhere."""
_ACCENTED = (range(0xC0, 0x250), range(0x370, 0x530), range(0x1E00, 0x2000))
"""Where Unicode has Latin, Greek and Cyrillic letters with accents."""


def words_of(phrase: str) -> list[str]:
    """Split a phrase into its words and numbers, without punctuation."""
    return _TOKEN.findall(unicodedata.normalize("NFC", phrase))


def spellings_of(word: str) -> tuple[str, ...]:
    """List how a word of a phrase stands in texts, split at punctuation: ``77 300`` and ``77300`` for ``77,300``."""
    if (number := _read_number(word)) is None:
        return (word,)
    groups, decimals = number
    written = (" ".join([whole, *filter(None, [decimals])]) for whole in (" ".join(groups), "".join(groups)))
    return tuple(dict.fromkeys(written))


@lru_cache(maxsize=256)
def pattern_of(phrase: str) -> str:
    """Write the regular expression for a phrase. Its group 1 is the phrase.

    Raises:
        InputError: The phrase has no word, or is too long.
    """
    return "".join(_written(phrase))


def _written(phrase: str) -> tuple[str, str]:
    """Write what stands before a phrase, and the phrase with what stands after it."""
    if len(phrase) > MAX_PHRASE_LENGTH:
        raise InputError(f"a phrase has {len(phrase):,} characters; the limit is {MAX_PHRASE_LENGTH}")
    words = words_of(phrase)
    if not words:
        raise InputError(f"the phrase {phrase!r} has no words", hint="Quote at least one word or number.")
    start, end = _edge(words[0][0], _NUMBER_START, _WORD_START), _edge(words[-1][-1], _NUMBER_END, _WORD_END)
    inner = _word(words[0])
    for word, gap in zip(words[1:], _gaps(phrase), strict=True):
        inner += gap + _word(word)
    return start, f"({inner}){end}"


@lru_cache(maxsize=256)
def compile_phrase(phrase: str) -> re.Pattern[str]:
    """Compile the regular expression for a phrase; group 1 of a match is the phrase."""
    return re.compile(pattern_of(phrase))


def find_phrase(text: str, phrase: str) -> list[tuple[int, int]]:
    """Find all places of a phrase in a text.

    Returns:
        Their spans, ascending. Empty for a phrase that has no word, or is too long.
    """
    try:
        before, pattern = _compile_apart(phrase)
    except InputError:
        return []
    spans: list[tuple[int, int]] = []
    at = 0
    while found := pattern.search(text, at):  # the character after a phrase may also stand before the next
        start, end = found.span(1)
        is_whole = before.search(text, max(0, start - _MAX_BEFORE), start) is not None
        if is_whole:
            spans.append((start, end))
        at = end if is_whole else start + 1
    return spans


@lru_cache(maxsize=256)
def _compile_apart(phrase: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Compile `pattern_of` in two parts. Python finds a first letter five times as fast as what stands before it."""
    before, rest = _written(phrase)
    return re.compile(f"{before}\\Z"), re.compile(rest)


def _gaps(phrase: str) -> list[str]:
    """Write what may stand between the words: in a code, such as ``Q3-2022``, only its own punctuation."""
    found = list(_TOKEN.finditer(unicodedata.normalize("NFC", phrase)))
    gaps = []
    for before, after in pairwise(found):
        between = before.string[before.end() : after.start()]
        is_code = len(between) == 1 and not between.isspace() and re.search(r"\d", before[0] + after[0])
        mark = _DASH if between in "-\u2010\u2011\u2012\u2013\u2212" else re.escape(between)
        gaps.append(f"\\s*{mark}\\s*" if is_code else _GAP)
    return gaps


def _edge(character: str, of_number: str, of_word: str) -> str:
    if character.isdigit():
        return of_number
    return "" if BEGINS_ANYWHERE.match(character) else of_word


def _word(word: str) -> str:
    if (number := _read_number(word)) is None:
        between = (
            r"\s*" if UNSPACED.match(one) and UNSPACED.match(other) else _BREAK
            for one, other in pairwise(word)
        )
        return _letter(word[0]) + "".join(map(str.__add__, between, map(_letter, word[1:])))
    groups, decimals = number
    return _GROUP_MARK.join(groups) + (f"[.,]{decimals}" if decimals else "")


def _read_number(word: str) -> tuple[list[str], str | None] | None:
    """Read a number's groups of three digits and its decimals; None for another word."""
    number = _GROUPED.fullmatch(word) or _PLAIN.fullmatch(word)
    if number is None:
        return None
    whole = re.sub(r"\D", "", number[1])
    first = len(whole) % 3 or 3
    return [whole[:first], *(whole[at : at + 3] for at in range(first, len(whole), 3))], number[2]


def _letter(character: str) -> str:
    base = _base(character)
    alike = sorted({character, base, base.upper(), *_accented().get(base, ())})
    letters = "".join(re.escape(each) for each in alike if len(each) == 1)
    return f"[{letters}]"


@cache
def _accented() -> dict[str, list[str]]:
    """Characters by the small letter without accents that they fold to."""
    found = defaultdict(list)
    for code in (code for codes in _ACCENTED for code in codes):
        found[_base(chr(code))].append(chr(code))
    return found


def _base(character: str) -> str:
    """Fold a character: lower case, without accents. The marks of kana are no accents: they make other letters."""
    if BEGINS_ANYWHERE.match(character):
        return character.lower()
    bare = "".join(
        each for each in unicodedata.normalize("NFD", character) if not unicodedata.combining(each)
    )
    small = bare.lower() if len(bare.lower()) == 1 else character.lower()
    return SIGMA if small == FINAL_SIGMA else small
