"""The documents of a served library: found by id, and deleted with their uploaded files and pictures."""

from __future__ import annotations

from maxsight import Library
from maxsight.errors import UnknownDocumentError
from maxsight.identity import document_id, page_id
from maxsight.server.job_queue import JobQueue
from maxsight.server.page_images import PageImages
from maxsight.server.upload_folder import UploadFolder
from maxsight.stores.base import DocumentEntry


class Catalogue:
    """The documents of a library. For any thread."""

    def __init__(self, reader: Library, uploads: UploadFolder, images: PageImages) -> None:
        self._reader = reader
        self._uploads = uploads
        self._images = images
        self._by_id: tuple[int, dict[str, DocumentEntry]] | None = None

    def find(self, id_: str) -> DocumentEntry:
        """Find a document by its id.

        Raises:
            UnknownDocumentError: No document has this id.
        """
        version = self._reader.version
        if self._by_id is None or self._by_id[0] != version:
            by_id = {document_id(entry.document.path): entry for entry in self._reader.documents()}
            self._by_id = version, by_id
        try:
            return self._by_id[1][id_]
        except KeyError:
            raise UnknownDocumentError(
                f"there is no document {id_!r}", hint="GET /v1/documents lists them."
            ) from None

    def is_upload(self, entry: DocumentEntry) -> bool:
        """Whether a document's file was uploaded here."""
        return self._uploads.owns(self._reader.source(entry.document))

    def delete(self, entry: DocumentEntry, writer: Library, jobs: JobQueue) -> None:
        """Remove a document, and its file if it was uploaded here.

        Raises:
            RefusedError: It is being indexed.
        """
        path = entry.document.path
        with jobs.keeping_off(path), self._uploads.removing(self._reader.source(entry.document)):
            writer.remove([path], exact=True)
        self._images.forget(page_id(path, entry.document.content_hash, index) for index in entry.page_indices)
