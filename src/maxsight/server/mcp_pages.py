"""Pages for assistants: where they come from, and how a tool's answer holds their text and pictures.

Text goes out between quotation marks, as data and never as an instruction (`answers.quoting`).
"""

from __future__ import annotations

import base64
import functools
import io
import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import anyio.to_thread
from mcp_types import ImageContent, TextContent
from PIL import Image

from maxsight import Library
from maxsight.answers.quoting import quote
from maxsight.answers.sources import PageDrawer, draw_for_reading
from maxsight.characters import escape_hidden
from maxsight.errors import UnreadableDocumentError
from maxsight.reranking import Reranker
from maxsight.results import Hit, telling_matches
from maxsight.server.batching import SearchOptions
from maxsight.stores.base import IndexedPage

if TYPE_CHECKING:
    from maxsight.server.service import Service

EXCERPT_CHARS = 1_500
MAX_PICTURE_BYTES = 150_000
QUALITIES = (85, 70, 55)
Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Pages:
    """A library's pages, and who computes.

    Attributes:
        library: The library, for reading.
        search: Finds pages, off the event loop.
        run: Runs what computes or reads off the event loop.
        draw: Draws a page as JPEG.
    """

    library: Library
    search: Callable[[str, SearchOptions], Awaitable[list[Hit]]]
    run: Callable[..., Awaitable[Any]]
    draw: PageDrawer

    @classmethod
    def of_library(cls, library: Library, reranker: Reranker | None = None) -> Pages:
        """Take the pages of a library that only this process uses. A reranker takes part in every search."""

        async def search(query: str, options: SearchOptions) -> list[Hit]:
            return await _run_in_thread(library.search, query, rerank=reranker, **asdict(options))

        return cls(library, search, _run_in_thread, functools.partial(draw_for_reading, library))

    @classmethod
    def of_service(cls, service: Service) -> Pages:
        """Take the pages of a served library: searches share scans, pictures are stored."""
        search = functools.partial(service.search, rerank=True)
        return cls(service.reader, search, service.run, service.images.draw_for_reading)


def found_page(hit: Hit, page: IndexedPage, mark: str) -> TextContent:
    """Describe a page that a search found: short text as a whole, else the snippet."""
    text = page.page.text if len(page.page.text) <= EXCERPT_CHARS else hit.snippet
    matched = {match.word: str(match.region) for match in telling_matches(hit.matches)}
    more = {} if hit.rerank_score is None else {"rerank_score": round(hit.rerank_score, 3)}
    boosts = more | {"boosts": [str(boost) for boost in hit.boosts]} if hit.boosts else more
    return quoted_page(page, text, mark, rank=hit.rank, score=round(hit.score, 2), matched=matched, **boosts)


def quoted_page(page: IndexedPage, text: str, mark: str, **more: Any) -> TextContent:
    """Quote a page's text. A line of JSON before it describes the page and gives the mark."""
    head = {
        **more,
        "path": page.document.path,
        "page_number": page.page.page_number,
        "page_count": page.document.page_count,
        "metadata": dict(page.metadata),
        "text": "whole"
        if text == page.page.text
        else f"cut: {len(text):,} of {len(page.page.text):,} characters",
        "mark": mark,
    }
    return TextContent(text=f"{escape_hidden(json.dumps(head, ensure_ascii=False))}\n{quote(text, mark)}")


async def page_picture(pages: Pages, page: IndexedPage, edge_px: int) -> TextContent | ImageContent:
    """Draw a page, or say why it can't be drawn: a page whose file has moved still has its text.

    Args:
        pages: Draws it.
        page: Which.
        edge_px: Its longer edge at most.
    """
    try:
        drawn = await pages.run(pages.draw, page)
    except UnreadableDocumentError as error:
        return TextContent(text=f"no picture: {error.reason}")
    sized = await pages.run(size_for_model, drawn, edge_px)
    return ImageContent(data=base64.b64encode(sized).decode(), mime_type="image/jpeg")


def size_for_model(drawn: bytes, edge_px: int) -> bytes:
    """Fit a picture into an edge and into `MAX_PICTURE_BYTES`: models pay for both. JPEG."""
    with Image.open(io.BytesIO(drawn)) as opened:
        picture = opened.convert("RGB")
    picture.thumbnail((edge_px, edge_px), Image.Resampling.LANCZOS)
    while True:
        for quality in QUALITIES:
            out = io.BytesIO()
            picture.save(out, "JPEG", quality=quality, optimize=True)
            if len(out.getvalue()) <= MAX_PICTURE_BYTES:
                return out.getvalue()
        picture.thumbnail((picture.width * 4 // 5, picture.height * 4 // 5), Image.Resampling.LANCZOS)


async def _run_in_thread(
    function: Callable[Parameters, Result], *args: Parameters.args, **kwargs: Parameters.kwargs
) -> Result:
    return await anyio.to_thread.run_sync(functools.partial(function, *args, **kwargs))
