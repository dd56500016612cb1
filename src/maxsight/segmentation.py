"""Words of any script: by white space, and by ICU where a script has no spaces between words.

ICU knows words of Chinese, Japanese, Thai, Lao, Khmer and Burmese from dictionaries that come with it.
"""

from __future__ import annotations

import re
import unicodedata

EAST_ASIAN = "\u3000-\u30ff\u31f0-\u9fff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff"
"""Characters of Chinese and Japanese, their punctuation included, as a part of a regular expression's class."""
UNSPACED = re.compile(f"[{EAST_ASIAN}\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]")
"""Characters of scripts without spaces between words."""
AROUND_WORDS = (
    ".,;:!?\u2026'\"\u2018\u2019\u201c\u201d\u201e\u00ab\u00bb()[]{}"
    "\u3001\u3002\u300c\u300d\u300e\u300f\u3010\u3011\u30fb\uff08\uff09\uff0c\uff01\uff1f\uff1a\uff1b\u060c\u061b\u061f"
)
"""Quotes, brackets and the punctuation of sentences, which are no part of a word."""
MAX_WORD = 200
"""Characters of a word. A longer run without a space is a blob, and is cut."""

_RUN = re.compile(r"\S+")
_OPENING = ("Ps", "Pi")
_KATAKANA = re.compile("[\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff\uff66-\uff9f]")


def word_spans(text: str) -> list[tuple[int, int]]:
    """Find the words of a text, in order, with the punctuation around them.

    White space is in none of them. Words of scripts without spaces touch.
    """
    spans: list[tuple[int, int]] = []
    for run in _RUN.finditer(text):
        start = run.start()
        for first, end in cut_run(run.group()):
            cuts = range(first, end, MAX_WORD)
            spans += [(start + cut, start + min(cut + MAX_WORD, end)) for cut in cuts]
    return spans


def cut_run(run: str) -> list[tuple[int, int]]:
    """Cut a run without white space into words. Most runs are one word."""
    if run.isascii() or not UNSPACED.search(run):
        return [(0, len(run))]
    words: list[tuple[int, int]] = []
    start = end = 0  # of the next word: marks that open it come before it
    for segment in _segments(run):
        end += len(segment)
        kinds = [unicodedata.category(character) for character in segment]
        if not all(kind[0] in "PM" for kind in kinds):
            words.append((start, end))
            start = end
        elif words and start == end - len(segment) and kinds[0] not in _OPENING:
            words[-1] = words[-1][0], end
            start = end
    return [*words, (start, end)] if start < end else words


def _segments(run: str) -> list[str]:
    """Cut at ICU's boundaries, but not within katakana: loanwords are in no dictionary."""
    from icu4py.breakers import WordBreaker  # 0.02 s, which programs without such text need not wait for

    segments: list[str] = []
    for segment in WordBreaker(run, "en"):
        if segments and _KATAKANA.match(segments[-1][-1]) and _KATAKANA.match(segment):
            segments[-1] += segment
        else:
            segments.append(segment)
    return segments
