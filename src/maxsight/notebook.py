"""Values as a notebook shows them: HTML without scripts, in which every text is escaped.

Colours are those of the notebook's own theme, light or dark.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Mapping, Sequence
from html import escape

from PIL import Image

from maxsight.characters import escape_hidden

_QUALITY = 75
_CELL = "text-align:left;padding:2px 12px 2px 0"


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


def element(tag: str, *children: object, **attributes: object) -> Html:
    """Make an element. Children that are not ``Html`` are escaped."""
    inside = "".join(child if isinstance(child, Html) else _escaped(child) for child in children)
    named = "".join(f' {name}="{_escaped(value)}"' for name, value in attributes.items())
    return Html(f"<{tag}{named}>{inside}</{tag}>")


def quiet(*children: object) -> Html:
    """Make a line that stands back."""
    return element("div", *children, style="opacity:.7")


def marked(text: str, spans: Iterable[tuple[int, int]]) -> Html:
    """Mark some spans of a text."""
    parts, at = [], 0
    for start, end in spans:
        parts += [Html(_escaped(text[at:start])), element("mark", text[start:end])]
        at = end
    return element("span", *parts, text[at:])


def table(head: Sequence[object], rows: Iterable[Sequence[object]]) -> Html:
    """Make a table."""
    cells = [
        element("tr", *(element(tag, cell, style=_CELL) for cell in row))
        for tag, row in [("th", head), *(("td", row) for row in rows)]
        if row
    ]
    return element("table", *cells)


def facts(title: str, values: Mapping[str, object]) -> str:
    """Make a card of named values; those that are None are left out."""
    rows = [(element("b", name), value) for name, value in values.items() if value is not None]
    return element("div", element("h4", title), table((), rows))


def embedded(
    picture: Image.Image, boxes: Iterable[Sequence[float]] = (), *, width: int | None = None
) -> Html:
    """Embed a picture, with some places of it marked.

    Args:
        picture: Any picture.
        boxes: ``x0, y0, x1, y1`` in fractions of the picture.
        width: Its width on the screen; as wide as there is room, if not given.
    """
    content = io.BytesIO()
    picture.convert("RGB").save(content, format="JPEG", quality=_QUALITY)
    source = f"data:image/jpeg;base64,{base64.b64encode(content.getvalue()).decode()}"
    spots = [
        element(
            "span",
            style=f"position:absolute;background:rgba(255,170,0,.4);left:{x0:.1%};top:{y0:.1%};"
            f"width:{x1 - x0:.1%};height:{y1 - y0:.1%}",
        )
        for x0, y0, x1, y1 in boxes
    ]
    shown = "100%" if width is None else f"{width}px"
    image = Html(
        f'<img src="{source}" alt="" style="width:100%;display:block;margin:0;box-shadow:0 0 2px gray">'
    )
    return element(
        "div", image, *spots, style=f"position:relative;flex:none;width:{shown};max-width:{picture.width}px"
    )


def _escaped(value: object) -> str:
    return escape(escape_hidden(str(value)))
