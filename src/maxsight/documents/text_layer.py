"""Judges a page's text layer: which of its words say what the page shows."""

from __future__ import annotations

import unicodedata
from collections import Counter

from maxsight.documents.cleaning import LINE_END_HYPHEN, NOTHING_READ, Reading, join_words, replace_surrogates
from maxsight.documents.pdf_text import Layer
from maxsight.types import TextSource

# Tables, forms and tables of contents are ruled and padded with these.
_RULES = frozenset(".,-_–—―·…•*=|/\\~+$%()[]:;#")  # noqa: RUF001

MAX_BAD_SHARE = 0.2
MIN_LETTER_SHARE = 0.4
MIN_JUDGED_CHARACTERS = 20


def believable(layer: Layer) -> Reading:
    """Return the words of a layer; nothing if they are garbage."""
    if is_garbage(replace_surrogates(" ".join(layer.tokens))):
        return NOTHING_READ
    return join_words(layer.tokens, layer.starts_line, layer.boxes, TextSource.LAYER)


def is_garbage(text: str) -> bool:
    """Say whether a text layer can't be searched, because its glyphs lack their letters.

    There are two signs: characters without a meaning (U+FFFD, private use, control, unassigned), and hardly any letters
    or digits. Tables of numbers, dotted leaders and forms are text.
    """
    counts = Counter(text)
    total = sum(count for character, count in counts.items() if not character.isspace())
    bad = sum(count for character, count in counts.items() if _is_meaningless(character))
    if bad > MAX_BAD_SHARE * total:
        return True
    letters = sum(count for character, count in counts.items() if character.isalnum())
    symbols = sum(count for character, count in counts.items() if _is_symbol(character))
    return letters + symbols >= MIN_JUDGED_CHARACTERS and letters < MIN_LETTER_SHARE * (letters + symbols)


def _is_meaningless(character: str) -> bool:
    if character == LINE_END_HYPHEN or character.isspace():
        return False
    return character == "\ufffd" or unicodedata.category(character) in ("Co", "Cc", "Cn", "Cs")


def _is_symbol(character: str) -> bool:
    return not (character.isalnum() or character.isspace() or character in _RULES)
