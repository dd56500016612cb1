"""The stretch of a page's text that shows why it was found."""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np

from maxsight.heatmaps.contrast import Contrast, best_within
from maxsight.segmentation import UNSPACED
from maxsight.stores.phrases import BEGINS_ANYWHERE, find_phrase
from maxsight.types import Page

SNIPPET_CHARS = 240
"""Of Latin letters. Those of East Asian writing are twice as wide and say twice as much: half as many are shown."""
_LINE_BREAK = re.compile(f"(?<={UNSPACED.pattern})\\n(?={UNSPACED.pattern})")


def snippet(page: Page, contrast: Contrast) -> str:
    """Return the stretch of the page's text that holds most of what stands out; each word of the query counts once."""
    spans = page.words.spans
    if not len(spans) or not contrast.words.any():
        return shorten(page.text, 0)
    last = np.searchsorted(spans[:, 1], spans[:, 0] + _room(page.text), side="right") - 1
    first = np.arange(len(spans))
    held = contrast.weights @ best_within(contrast.words, np.stack([first, np.maximum(last, first)]))
    return shorten(page.text, int(spans[np.flatnonzero(held >= held.max() - 1e-6)[-1], 0]))


def _room(text: str) -> int:
    wide = len(BEGINS_ANYWHERE.findall(text[:SNIPPET_CHARS]))
    return SNIPPET_CHARS // 2 if 2 * wide > min(len(text), SNIPPET_CHARS) else SNIPPET_CHARS


def _is_between_words(text: str, at: int) -> bool:
    return text[at - 1].isspace() or text[at].isspace() or UNSPACED.match(text[at]) is not None


def marks(text: str, words: Iterable[str]) -> tuple[tuple[int, int], ...]:
    """Find all places where words stand in a text to the letter: ascending spans that don't overlap."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted(span for word in words for span in find_phrase(text, word)):
        if merged and start < merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((start, end))
    return tuple(merged)


def shorten(text: str, start: int) -> str:
    """Cut about ``SNIPPET_CHARS`` around ``start`` at word boundaries, on one line, from one paragraph on."""
    room = _room(text)
    begin = max(0, start - room // 4)
    if (paragraph_break := text.rfind("\n\n", begin, start)) >= 0:
        begin = paragraph_break + 2
    end = min(len(text), begin + room + room // 4)
    while 0 < begin < start and not _is_between_words(text, begin):
        begin += 1
    while start < end < len(text) and not _is_between_words(text, end):
        end -= 1
    line = " ".join(_LINE_BREAK.sub("", text[begin:end]).split())
    return f"{'… ' if begin else ''}{line}{' …' if end < len(text) else ''}"
