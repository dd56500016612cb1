"""Finds where the words of a given text stand on a page, by the words that OCR has read there."""

from __future__ import annotations

import re
from difflib import SequenceMatcher

import numpy as np

from maxsight.documents.cleaning import find_words
from maxsight.types import Page, Words

MIN_SHARE = 0.5
"""Of the words, OCR must have read so many. Else the text may be another page's, and its words get no places."""
_TAG = re.compile(r"<[^<>]*>")


def place_words(text: str, read: Page) -> Words:
    """Find the words of a text, with their boxes where OCR has read most of them in the same order.

    A word that OCR has misread, and a sign of Markdown, gets the box of the word before it.

    Args:
        text: What the page says.
        read: The page as OCR has read it.
    """
    words = find_words(text)
    if read.words.boxes is None or not len(read.words):
        return words
    given = [_letters(text[start:end]) for start, end in words.spans.tolist()]
    seen = [_letters(read.text[start:end]) for start, end in read.words.spans.tolist()]
    found = np.full(len(given), -1)
    for block in SequenceMatcher(None, given, seen, autojunk=False).get_matching_blocks():
        found[block.a : block.a + block.size] = np.arange(block.b, block.b + block.size)
    found[[not letters for letters in given]] = -1
    placed = np.flatnonzero(found >= 0)
    if len(placed) < MIN_SHARE * sum(map(bool, given)) or not len(placed):
        return words
    nearest = placed[np.maximum(np.searchsorted(placed, np.arange(len(given)), side="right") - 1, 0)]
    return Words(words.spans, read.words.boxes[found[nearest]])


def _letters(word: str) -> str:
    """Return the letters and digits of a word in lower case: what Markdown and OCR's punctuation leave alone."""
    return "".join(filter(str.isalnum, _TAG.sub("", word).casefold()))
