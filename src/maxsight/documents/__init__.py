"""Files in, pages out: finds documents and reads their text, words and pictures, in worker processes."""

from maxsight.documents.base import Limits, OcrChoice, PageSource, ReadSettings
from maxsight.documents.discover import discover
from maxsight.documents.events import (
    Changed,
    Done,
    Event,
    Failed,
    Opened,
    PageFailed,
    PageRead,
    ReadJob,
)
from maxsight.documents.files import content_hash
from maxsight.documents.reading import default_workers, read_documents
from maxsight.documents.records.fields import RecordFields
from maxsight.documents.records.images import ImageFields
from maxsight.documents.rendering import PageRenderer, render_page

__all__ = [
    "Changed",
    "Done",
    "Event",
    "Failed",
    "ImageFields",
    "Limits",
    "OcrChoice",
    "Opened",
    "PageFailed",
    "PageRead",
    "PageRenderer",
    "PageSource",
    "ReadJob",
    "ReadSettings",
    "RecordFields",
    "content_hash",
    "default_workers",
    "discover",
    "read_documents",
    "render_page",
]
