"""Pages: text, picture, heatmap and explanation."""

from __future__ import annotations

import io
from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Header, Path, Query, Response, status
from PIL import Image

from maxsight.errors import UnreadableDocumentError
from maxsight.identity import document_id, page_id, record_file
from maxsight.library.drawing import PagePicture, check_unchanged, is_plain_text, placed
from maxsight.server import page_images
from maxsight.server.page_images import WIDTHS_PX, width_for
from maxsight.server.schemas import documents as schemas
from maxsight.server.schemas import fields, search
from maxsight.server.service import Served, Service
from maxsight.stores.base import IndexedPage
from maxsight.types import Page

router = APIRouter(tags=["pages"])
PageId = Annotated[fields.Id, Path(description="As in a hit or in a document's pages.")]
Width = Annotated[
    int,
    Query(ge=1, le=WIDTHS_PX[-1], description=f"Pixels; the next of {', '.join(map(str, WIDTHS_PX))}."),
]
Responses = dict[int | str, dict[str, Any]]
CACHED_BY_BROWSERS = "private, max-age=3600"
_PNG: Responses = {200: {"content": {"image/png": {}}}}
_JPEG: Responses = {
    200: {"content": {page_images.MEDIA_TYPE: {}}},
    304: {"description": "It has not changed."},
}


class Over(StrEnum):
    """The background of a heatmap."""

    NOTHING = "nothing"
    """None: a transparent layer, to lay over the page's picture."""
    PAGE = "page"


@router.get("/v1/pages/{page_id}")
async def get_page(service: Served, page_id: PageId) -> schemas.PageDetail:
    """Get a page's text, and its words with their places."""
    return await service.run(_describe, service, page_id)


@router.get("/v1/pages/{page_id}/image", response_class=Response, responses=_JPEG)
async def get_image(
    service: Served,
    page_id: PageId,
    width: Width = 1200,
    if_none_match: Annotated[str | None, Header()] = None,
) -> Response:
    """Get the picture of a page."""
    fitting = width_for(width)
    headers = {"ETag": f'"{page_id}-{fitting}"', "Cache-Control": CACHED_BY_BROWSERS}
    if if_none_match and headers["ETag"] in if_none_match:
        await service.run(service.images.check_indexed, page_id)
        return Response(status_code=status.HTTP_304_NOT_MODIFIED, headers=headers)
    content = await service.run(service.images.get, page_id, fitting)
    return Response(content, media_type=page_images.MEDIA_TYPE, headers=headers)


@router.get("/v1/pages/{page_id}/heatmap", response_class=Response, responses=_PNG)
async def get_heatmap(
    service: Served,
    page_id: PageId,
    q: fields.Query,
    word: Annotated[int | None, Query(ge=0, description="Only this match of a hit, from 0.")] = None,
    token: Annotated[
        int | None,
        Query(ge=0, description="Only this token of an explanation, from 0; not with `word`."),
    ] = None,
    over: Over = Over.NOTHING,
    width: Width = 800,
) -> Response:
    """Draw where a query matched: as a transparent layer, or on the page."""
    content = await service.run(_heatmap, service, page_id, q, word, token, over, width_for(width))
    return Response(content, media_type="image/png", headers={"Cache-Control": CACHED_BY_BROWSERS})


@router.get("/v1/pages/{page_id}/explanation")
async def get_explanation(service: Served, page_id: PageId, q: fields.Query) -> search.Explanation:
    """Explain a page's score: the share of each word, token and region."""

    def explain() -> search.Explanation:
        page = service.reader.page(page_id)
        return search.Explanation.of(page_id, service.reader.explain_page(q, page))

    return await service.run(explain)


def _describe(service: Service, id_: str) -> schemas.PageDetail:
    row = service.reader.page(id_)
    page, document = placed(row), row.document
    entry = service.documents.find(document_id(document.path))
    before = [index for index in entry.page_indices if index < page.page_index]
    after = [index for index in entry.page_indices if index > page.page_index]

    def name(index: int) -> str:
        return page_id(document.path, document.content_hash, index)

    regions = row.embedding.regions.boxes
    return schemas.PageDetail(
        page_id=id_,
        document_id=document_id(document.path),
        path=document.path,
        file=document.file,
        page_number=page.page_number,
        page_count=document.page_count,
        text=page.text,
        text_source=page.text_source,
        text_runs=[
            schemas.TextRun(source=run.source, words=run.words, reason=run.reason) for run in page.text_runs
        ],
        words=list(_words(page)),
        regions=[] if regions is None else fields.Region.all_of(map(_numbers, regions)),
        vectors=len(row.embedding.vectors),
        metadata=dict(row.metadata),
        previous=name(before[-1]) if before else None,
        next=name(after[0]) if after else None,
        image=_size(row),
        source_state=_source_state(service, row),
        links={
            **fields.picture_links(id_),
            "document": f"/v1/documents/{document_id(document.path)}",
            "source": fields.source_of(document.path, page.page_number),
        },
    )


def _words(page: Page) -> Iterator[schemas.Word]:
    """The words of a page; one that is divided between lines is one word with several places."""
    of, boxes = page.whole_words, page.words.boxes
    for parts in np.split(np.arange(len(of)), np.flatnonzero(np.diff(of)) + 1):
        if len(parts):
            text = page.text[page.words.spans[parts[0], 0] : page.words.spans[parts[-1], 1]]
            places = [] if boxes is None else [_numbers(box) for box in boxes[parts]]
            region = fields.Region.of(places[0]) if places else None
            yield schemas.Word(text=text, region=region, more=fields.Region.all_of(places[1:]))


def _heatmap(
    service: Service, id_: str, query: str, word: int | None, token: int | None, over: Over, width: int
) -> bytes:
    row = service.reader.page(id_)
    explanation = service.reader.explain_page(query, row)
    picture = _picture(service, row, width, drawn=over is Over.PAGE)
    if over is Over.PAGE:
        drawn = explanation.mark(picture.image, picture.boxes, word=word, token=token)
    else:
        drawn = explanation.heat_layer(picture.boxes, picture.image.size, word=word, token=token)
    out = io.BytesIO()
    drawn.save(out, "PNG", compress_level=1)
    return out.getvalue()


def _picture(service: Service, row: IndexedPage, width: int, *, drawn: bool) -> PagePicture:
    """Give a page's picture with the places of its vectors. If it is not drawn, an empty picture of its shape."""
    if is_plain_text(row):
        text = service.reader.picture(row)
        height = round(text.image.height * width / text.image.width)
        return PagePicture(text.image.resize((width, height)), text.boxes)
    boxes = row.embedding.regions.boxes
    assert boxes is not None  # only plain text has no boxes
    if drawn:
        content = service.images.get(row.page_id, width, row)
        return PagePicture(Image.open(io.BytesIO(content)).convert("RGB"), boxes)
    height = max(1, round(width * row.page.height_pt / row.page.width_pt))
    return PagePicture(Image.new("1", (width, height)), boxes)


def _size(row: IndexedPage) -> schemas.ImageSize | None:
    if is_plain_text(row):
        return None
    width_pt, height_pt = row.page.width_pt, row.page.height_pt
    width = WIDTHS_PX[-1]
    return schemas.ImageSize(width=width, height=round(width * height_pt / width_pt))


def _source_state(service: Service, row: IndexedPage) -> schemas.SourceState:
    if record_file(row.document.path):
        return schemas.SourceState.RECORDS
    file = service.reader.source(row.document)
    try:
        check_unchanged(file, row.document)
    except UnreadableDocumentError:
        there = file.exists()
        return schemas.SourceState.CHANGED if there else schemas.SourceState.MISSING
    return schemas.SourceState.AVAILABLE


def _numbers(box: object) -> tuple[float, float, float, float]:
    x0, y0, x1, y1 = (round(float(edge), 5) for edge in box)  # type: ignore[attr-defined]
    return x0, y0, x1, y1
