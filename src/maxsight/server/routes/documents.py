"""Documents: list, upload and delete them, and open their files."""

from __future__ import annotations

import asyncio
import base64
import binascii
from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Path, Query, Request, Response, status
from fastapi.responses import FileResponse

from maxsight.errors import InputError
from maxsight.identity import document_id, page_id
from maxsight.library.drawing import check_unchanged
from maxsight.library.status import ExpectedErrors, count_scanned
from maxsight.server.schemas import documents as schemas
from maxsight.server.schemas import fields
from maxsight.server.schemas.fields import BINARY, form_schema
from maxsight.server.schemas.jobs import JobAccepted
from maxsight.server.security import FORM
from maxsight.server.service import Served, Service
from maxsight.stores.base import DocumentEntry
from maxsight.stores.phrases import MAX_PHRASE_LENGTH

router = APIRouter(tags=["documents"])
DocumentId = Annotated[fields.Id, Path(description="As in a hit or in the list of documents.")]

_MEDIA_TYPES = {
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
    ".webp": "image/webp",
    ".gif": "image/gif",
    ".avif": "image/avif",
    ".heic": "image/heic",
    ".heif": "image/heif",
    ".jp2": "image/jp2",
    ".jpx": "image/jpx",
}
_TEXT = "text/plain; charset=utf-8"  # also for Markdown, so that browsers run nothing in it
_UPLOAD = {
    "requestBody": {
        "required": True,
        "content": {FORM: {"schema": form_schema("files", {"type": "array", "items": BINARY})}},
    }
}


@router.get("/v1/documents")
async def list_documents(
    service: Served,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    cursor: Annotated[
        str | None, Query(max_length=8000, description="The `next_cursor` of the last answer.")
    ] = None,
    filter: fields.Where | None = None,
) -> schemas.DocumentList:
    """List the documents by path."""
    after = None if cursor is None else _path_of(cursor)
    entries = await service.run(service.reader.documents, filter)
    rest = [entry for entry in entries if after is None or entry.document.path > after]
    items = rest[:limit]
    return schemas.DocumentList(
        items=[_summary(service, entry) for entry in items],
        next_cursor=_cursor_of(items[-1].document.path) if len(rest) > limit else None,
        total=len(entries),
    )


@router.post("/v1/documents", status_code=status.HTTP_202_ACCEPTED, openapi_extra=_UPLOAD)
async def upload_documents(service: Served, request: Request) -> JobAccepted:
    """Upload files. They are indexed after the answer, by a job."""
    jobs = service.jobs
    jobs.check_room()
    async with service.receiving(request) as incoming:
        job = await asyncio.to_thread(jobs.accept, incoming.files)
    return JobAccepted(job_id=job.job_id, links=job.snapshot().links)


@router.get("/v1/documents/{document_id}")
async def get_document(service: Served, document_id: DocumentId) -> schemas.DocumentDetail:
    """Get a document and its pages."""
    entry = await service.run(service.documents.find, document_id)
    document = entry.document
    own_fields = dict(zip(entry.page_indices, entry.page_fields, strict=False))
    pages = []
    for index in entry.page_indices:
        id_ = page_id(document.path, document.content_hash, index)
        links = schemas.PageLinks(**fields.picture_links(id_))
        own = dict(own_fields.get(index, {}))
        pages.append(schemas.PageSummary(page_id=id_, page_number=index + 1, metadata=own, links=links))
    return schemas.DocumentDetail(**_summary(service, entry).model_dump(), pages=pages)


@router.get("/v1/documents/{document_id}/find")
async def find_text(
    service: Served,
    document_id: DocumentId,
    text: Annotated[str, Query(max_length=MAX_PHRASE_LENGTH, pattern=r"\S", description="Case is ignored.")],
) -> schemas.FoundText:
    """Find a text in a document, to the letter: its first 1,000 places, page by page."""

    def find() -> schemas.FoundText:
        total, found = service.finder.find(service.documents.find(document_id), text)
        pages = [
            schemas.FoundPage(page_id=id_, page_number=number, places=list(map(fields.Region.all_of, places)))
            for id_, number, places in found
        ]
        return schemas.FoundText(total=total, pages=pages)

    return await service.run(find)


@router.delete("/v1/documents/{document_id}", status_code=status.HTTP_204_NO_CONTENT)
async def delete_document(service: Served, document_id: DocumentId) -> None:
    """Remove a document from the library. Its file is deleted if it was uploaded."""
    await service.run(service.delete, document_id)


@router.get("/v1/documents/{document_id}/source", response_class=Response)
async def get_source(service: Served, document_id: DocumentId) -> Response:
    """Get the file, as it was when it was indexed."""
    entry = await service.run(service.documents.find, document_id)
    file = service.reader.source(entry.document)
    await service.run(check_unchanged, file, entry.document)
    return FileResponse(
        file,
        media_type=_MEDIA_TYPES.get(file.suffix.lower(), _TEXT),
        headers={
            "Content-Disposition": f"inline; filename*=utf-8''{quote(entry.document.file, safe='')}",
            "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; object-src 'self'; "
            "frame-ancestors 'none'",
        },
    )


def _summary(service: Service, entry: DocumentEntry) -> schemas.DocumentSummary:
    document, expected = entry.document, ExpectedErrors.of(entry)
    scanned, misread = count_scanned(entry)
    id_ = document_id(document.path)
    thumbnail = None
    if entry.page_indices:
        first = page_id(document.path, document.content_hash, entry.page_indices[0])
        thumbnail = fields.picture_links(first)["thumbnail"]
    return schemas.DocumentSummary(
        document_id=id_,
        path=document.path,
        file=document.file,
        page_count=document.page_count,
        pages_indexed=len(entry.page_indices),
        complete=entry.complete,
        vectors=entry.vectors,
        size_bytes=document.size_bytes,
        content_hash=document.content_hash,
        modified=datetime.fromtimestamp(document.modified_ns / 1e9, UTC),
        uploaded=service.documents.is_upload(entry),
        metadata=dict(entry.metadata),
        scanned=scanned,
        misread=misread,
        quality=None if expected is None else schemas.ExpectedErrors.model_validate(expected),
        links=schemas.DocumentLinks(
            self=f"/v1/documents/{id_}",
            source=fields.source_of(document.path),
            thumbnail=thumbnail,
        ),
    )


def _cursor_of(path: str) -> str:
    return base64.urlsafe_b64encode(path.encode()).decode()


def _path_of(cursor: str) -> str:
    try:
        return base64.b64decode(cursor, altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise InputError(
            f"{cursor[:50]!r} is not a cursor", hint="Give the next_cursor of an answer, or none."
        ) from error
