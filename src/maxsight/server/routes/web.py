"""The web page and the API's documents: files of the package."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse

STATIC = Path(__file__).parents[1] / "static"
router = APIRouter(include_in_schema=False)


@router.get("/")
async def get_page() -> FileResponse:
    """The web page."""
    return FileResponse(STATIC / "index.html")


@router.get("/docs")
async def get_api_documents() -> FileResponse:
    """What the API takes and gives, to be read and tried."""
    return FileResponse(STATIC / "docs.html")


@router.get("/favicon.ico")
async def get_icon() -> FileResponse:
    """The icon that browsers ask for."""
    return FileResponse(STATIC / "icon.svg")
