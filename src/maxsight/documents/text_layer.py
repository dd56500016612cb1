"""Finds the words of a page's text layer that do not look like writing, without a dictionary.

A font's table of letters can be missing, shifted or wrong, and an old OCR layer can be in another script. What such a
layer says then has characters without a meaning, or neighbours that no language has: ``wkh frorqlhv``, ``22#22:!/3``.
This is a suspicion only. ``page_text`` compares the words with what OCR reads in their place.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from maxsight.documents.cleaning import LINE_END_HYPHEN, replace_surrogates
from maxsight.documents.pdf_text import Layer

# The letters that follow a letter in 1 % of its uses, in four or more of the 31 languages with Latin letters that the
# profiles of langdetect 1.0.9 know (Apache-2.0); accents are left out. Of their text 0 to 13 % are other pairs, of
# the same text with the alphabet shifted 20 to 60 %.
_FOLLOWERS = """
a abcdefghijklmnoprstuvwyz
b abeijlnorsuy
c acehiklnorstu
d adeiklmnorstuvyz
e abcdeghijklmnoprstuvwxyz
f aefilorstuy
g adeghilmnorstuy
h aeijklmnortuvy
i abcdefghijklmnoprstuvyz
j adeinosu
k aehiklmnorstuvy
l abdefgijklmnostuvy
m abeilmnoprstuy
n acdefghijklnostuy
o abcdefghijklmnoprstuvwyz
p aehiloprstuy
q u
r abcdefghiklmnorstuvwyz
s abcehiklmnoprstuvy
t abehiklnorstuvwy
u abcdefghijklmnoprstuvwz
v aeilnorsuy
w aeinosw
x aeioptu
y abcdefgiklmnoprstuvz
z abdeghiklmnorstuvwy
"""
_PAIRS = frozenset(line[0] + letter for line in _FOLLOWERS.split("\n")[1:-1] for letter in line[2:])
_PLAIN = {"ł": "l", "đ": "d", "\u0131": "i", "ø": "o", "æ": "a", "œ": "o", "ß": "s", "ð": "d", "þ": "t"}

_AROUND_WORDS = ".,;:!?()[]{}\"'“”‘’«»…" + LINE_END_HYPHEN  # noqa: RUF001

# Signs before and after a digit in numbers, dates, sums and references.
_BEFORE_DIGIT = frozenset(".,:/-–−'’(#$€£¥+±=<>~×")  # noqa: RUF001
_AFTER_DIGIT = frozenset(".,:/-–−'’)%°€×")  # noqa: RUF001

MAX_MEANINGLESS_SHARE = 0.2
MAX_ODD_SHARE = 0.25
# A run of words is suspect where it has more odd pairs than text with a tenth of them would by chance.
EXPECTED_ODD_SHARE = 0.1
MIN_ODD_SHARE = 0.18
MIN_DEVIATIONS = 4.0
MIN_PAIRS = 16
MAX_ACRONYM = 5


def find_odd(layer: Layer) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Find the words that are probably not what the page shows.

    A line is judged alone, and together with all words of its size, since a page has few fonts and each has one table
    of letters. Where a quarter of the words are odd, the others are too few to believe them.

    Returns:
        The words with neighbours that no language has, and those of lines without meaning. Shapes ``(tokens,)``.
    """
    counts = np.array([_count(token) for token in layer.tokens], dtype=np.int64).reshape(-1, 4)
    sides = layer.boxes[:, 2:] - layer.boxes[:, :2]
    sizes = np.round(sides.min(axis=1, initial=1.0) * 1000).astype(np.int64)
    in_line = _sums(counts, np.cumsum(layer.starts_line, dtype=np.int64))
    odd = _are_odd(in_line) | _are_odd(_sums(counts, sizes))
    if odd.sum() > MAX_ODD_SHARE * len(odd):
        odd[:] = True
    meaningless, characters = in_line[:, 2], in_line[:, 3]
    return odd, np.asarray((meaningless > MAX_MEANINGLESS_SHARE * characters) & (meaningless > 1))


def is_meaningless(character: str) -> bool:
    """Say whether a character stands for a glyph without a letter: U+FFFD, private use, control or unassigned."""
    if character == LINE_END_HYPHEN or character.isspace():
        return False
    return character == "\ufffd" or unicodedata.category(character) in ("Co", "Cc", "Cn", "Cs")


def _sums(counts: NDArray[np.int64], groups: NDArray[np.int64]) -> NDArray[np.int64]:
    """Sum the counts of each word's group. Shape ``(tokens, 4)``."""
    _, group = np.unique(groups, return_inverse=True)
    sums = np.zeros((group.max(initial=-1) + 1, counts.shape[1]), np.int64)
    np.add.at(sums, group, counts)
    return sums[group]


def _are_odd(counts: NDArray[np.int64]) -> NDArray[np.bool_]:
    pairs, odd = counts[:, 0], counts[:, 1]
    surprise = odd - EXPECTED_ODD_SHARE * pairs
    deviation = np.sqrt(EXPECTED_ODD_SHARE * (1 - EXPECTED_ODD_SHARE) * np.maximum(pairs, MIN_PAIRS))
    return np.asarray((surprise > MIN_DEVIATIONS * deviation) & (odd > MIN_ODD_SHARE * pairs))


@lru_cache(maxsize=30_000)
def _count(token: str) -> tuple[int, int, int, int]:
    """Count a word's pairs of neighbours, the odd ones among them, meaningless characters, and all characters."""
    token = replace_surrogates(token)
    meaningless = sum(map(is_meaningless, token))
    word = unicodedata.normalize("NFC", token).strip(_AROUND_WORDS)
    if len(word) <= MAX_ACRONYM and word.isupper():
        return 0, 0, meaningless, len(token)
    judged = [odd for pair in pairwise(word) if (odd := _is_odd_pair(*pair)) is not None]
    return len(judged), sum(judged), meaningless, len(token)


def _is_odd_pair(first: str, second: str) -> bool | None:
    """Say whether no writing has two such neighbours; None where they say nothing."""
    if first == second:
        return None
    if first.isalpha() and second.isalpha():
        one, two = _latin(first), _latin(second)
        if one and two:
            return one + two not in _PAIRS or (first.islower() and second.isupper())
        return bool(one) != bool(two)
    if first.isalpha() or second.isalpha():
        return None
    if first.isdigit() and second.isdigit():
        return False
    if second.isdigit():
        return first not in _BEFORE_DIGIT
    return not (first.isdigit() and second in _AFTER_DIGIT)


@lru_cache(maxsize=4_000)
def _latin(letter: str) -> str:
    """Return the plain small letter of a Latin letter, or nothing."""
    small = unicodedata.normalize("NFKD", letter.casefold())[:1]
    small = _PLAIN.get(small, small)
    return small if "a" <= small <= "z" else ""
