"""Characters that nobody sees and that change what is seen: controls, directions of text, zero widths, tags.

Text of documents, names of files and answers of models may hold them to command a terminal, to show words in another
order, or to say something to a model alone.
"""

from __future__ import annotations

import re

_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # controls, but for tab and new line
    "\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069"  # directions, ends of lines
    "\u200b\u2060-\u2064\u206a-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e0fff]"  # zero widths, tags
)


def remove_hidden(text: str) -> str:
    """Return text without hidden characters."""
    return _HIDDEN.sub("", text)


def escape_hidden(text: str) -> str:
    """Return text with hidden characters as JSON writes them: a backslash, ``u`` and four digits."""
    return _HIDDEN.sub(lambda found: _escape(found[0]), text)


def _escape(letter: str) -> str:
    units = letter.encode("utf-16-be")
    return "".join(f"\\u{units[place : place + 2].hex()}" for place in range(0, len(units), 2))
