"""A hook of mkdocs: links to files outside of docs/ show the file's name, since the site has no such page."""

import re
from typing import Any

OUTSIDE = re.compile(r"\[([^\]]+)\]\(\.\./(?!reference/)[^)]*\)")


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Keep the words of a link that leaves the site."""
    depth = page.file.src_uri.count("/")
    return OUTSIDE.sub(r"\1", markdown) if not depth else markdown
