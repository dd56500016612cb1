"""Finding a word, a number or a phrase in a text to the letter.

Case, accents and how digits are grouped don't count: 77,300 is 77300, but not 77.3. White space may be a line break,
and a word may be hyphenated at the end of a line. A match never begins or ends inside a word or a number.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_AROUND = " \t\n.,;:!?'\"\u2018\u2019\u201c\u201d\u2026()[]{}\u00ab\u00bb"
_DIGIT_GROUPS = r"[,'\u2019\u00a0\u202f ]"
_GROUPED = re.compile(rf"\d{{1,3}}(?:{_DIGIT_GROUPS}\d{{3}})+(?!\d)")
_HYPHENATION = r"(?:-\s*\n\s*)?"
_BEGIN = r"(?<!\w)(?<!\d[.,])"
_END = r"(?!\w)(?![.,]\d)"


class _Plain(dict[int, str]):
    """Each character without its accents and in lower case, as one character."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        base = unicodedata.normalize("NFKD", character).casefold()
        self[code] = plain = base[0] if base and not base[0].isspace() else character
        return plain


_PLAIN = _Plain()


def fold(text: str) -> str:
    """Drop case and accents. The text keeps its length, so that positions stay."""
    return text.translate(_PLAIN)


def find_literal(folded: str, wanted: str) -> list[tuple[int, int]]:
    """Find where a text holds some words to the letter.

    Args:
        folded: The text, as ``fold`` returns it.
        wanted: A word, a number or a phrase. Punctuation around it does not count.

    Returns:
        The spans, ascending.
    """
    pattern = literal_pattern(wanted)
    return [match.span() for match in pattern.finditer(folded)] if pattern else []


@lru_cache(256)
def literal_pattern(wanted: str) -> re.Pattern[str] | None:
    """Make the pattern that finds some words in a folded text; None for mere punctuation."""
    words = fold(wanted.strip(_AROUND)).split()
    if not words:
        return None
    return re.compile(_BEGIN + r"\s+".join(map(_word_pattern, words)) + _END)


def _word_pattern(word: str) -> str:
    word = _GROUPED.sub(lambda match: re.sub(_DIGIT_GROUPS, "", match.group()), word)
    parts = []
    for run in re.findall(r"\d+|[^\W\d_]+|.", word):
        if run.isdigit() and run[0] != "0":
            parts.append(_number_pattern(run))
        elif run.isalpha():
            parts.append(_HYPHENATION.join(run))
        else:
            parts.append(re.escape(run))
    return "".join(parts)


def _number_pattern(digits: str) -> str:
    """Allow a separator before every third digit from the right."""
    first = len(digits) % 3
    groups = ([digits[:first]] if first else []) + [
        digits[at : at + 3] for at in range(first, len(digits), 3)
    ]
    return (_DIGIT_GROUPS + "?").join(groups)
