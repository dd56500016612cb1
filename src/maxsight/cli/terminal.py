"""What a terminal is sent: hidden characters of foreign text are written as escapes.

Paths, metadata, snippets and errors of services come from others, and a terminal obeys what they hold. So this stands
in one place, between all commands and the terminal. JSON stays the same value.
"""

from __future__ import annotations

import re
from typing import Any, TextIO

from maxsight.characters import escape_hidden

_OURS = re.compile(r"(\x1b\[(?:0|1|2|4)m|\x1b\[\?25[lh]|\r)")
"""What click writes: bold, dim, underlined, back to normal; the cursor and the return of progress bars."""


class SafeStream:
    """A text stream that escapes hidden characters, and is the given stream otherwise."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write text."""
        parts = _OURS.split(text)
        parts[::2] = map(escape_hidden, parts[::2])
        return self._stream.write("".join(parts))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
