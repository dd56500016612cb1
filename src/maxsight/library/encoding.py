"""Vectors of files that are not stored. The functions are methods of ``Library``."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from os import PathLike
from pathlib import Path

from maxsight.documents import Failed, PageFailed, PageRead, ReadJob, ReadSettings, read_documents
from maxsight.library.encoder import page_encoder
from maxsight.library.opened import Opened
from maxsight.threads import one_blas_thread
from maxsight.types import Page, PageEmbedding


def encode_file(
    library: Opened, file: str | PathLike[str], *, settings: ReadSettings | None = None
) -> list[PageEmbedding]:
    """Encode the pages of a file as indexing does, and store nothing.

    Args:
        library: Its encoder is used.
        file: Which.
        settings: How it is read; as when the library was made, if not given.

    Raises:
        UnreadableDocumentError: It can't be read, or one of its pages can't.
    """
    encoder = page_encoder(library.encoder, library.store.manifest.pool_factor)
    pages = read_pages(file, replace(settings or library.settings, picture=encoder.picture))
    with one_blas_thread():
        return encoder.encode_pages(pages)


def read_pages(file: str | PathLike[str], settings: ReadSettings) -> list[Page]:
    """Read the pages of a file.

    Raises:
        UnreadableDocumentError: It can't be read, or one of its pages can't.
    """
    pages = []
    with closing(read_documents([ReadJob(Path(file))], settings)) as events:
        for event in events:
            if isinstance(event, PageFailed | Failed):
                raise event.error
            if isinstance(event, PageRead):
                pages.append(event.page)
    return pages
