"""The web page and the documentation of the API: files of the package."""

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
async def get_api_documentation() -> FileResponse:
    """The documentation of the API, to read and try."""
    return FileResponse(STATIC / "docs.html")


@router.get("/favicon.ico")
async def get_icon() -> FileResponse:
    """The icon that browsers request."""
    return FileResponse(STATIC / "icon.svg")
