"""Quotation marks around the text of pages that a model reads.

Documents can hold text that is written to mislead a model. The marks are random and new in each answer, so a document
can't know them, and can't end its own quotation. Characters that only the model would see are removed.
"""

from __future__ import annotations

import secrets

from maxsight.characters import remove_hidden


def new_mark() -> str:
    """Make the name of a pair of marks, for all pages of one answer: ``page-3fa85f6457171b62``."""
    return f"page-{secrets.token_hex(8)}"


def quote(text: str, mark: str, attributes: str = "") -> str:
    """Put a page's text between marks, on lines of its own.

    Args:
        text: The text.
        mark: The name of the marks.
        attributes: What stands in the first mark: ``number=1 page=3``.
    """
    return remove_hidden(f"<{' '.join(filter(None, [mark, attributes]))}>\n{text}\n</{mark}>")
