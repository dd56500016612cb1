"""Documents that equal a stored one: they get copies of its pages, so that nothing is encoded twice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from maxsight.documents.files import is_gone
from maxsight.identity import page_id, page_ids, source_file
from maxsight.indexing.encoding import PAGES_PER_COMMIT
from maxsight.indexing.events import Indexed
from maxsight.indexing.files import state_of
from maxsight.indexing.work import Work
from maxsight.stores.base import DocumentEntry, IndexedPage, Store
from maxsight.stores.fields import of_page
from maxsight.types import Document, Scalar


def copy_equal_documents(store: Store, home: Path | None, copies: dict[str, list[Work]]) -> Iterator[Indexed]:
    """Store documents that equal a stored one with that one's vectors.

    Args:
        store: Where the pages are, and go.
        home: The folder that documents are named relative to.
        copies: The documents, by the path of the one that they equal. What was stored is taken out.
    """
    if not copies:
        return
    entries = {entry.document.path: entry for entry in store.documents()}
    for path, waiting in copies.items():
        entry = entries.get(path)
        if entry is None or not entry.complete:
            continue
        for work in list(waiting):
            equal = entry.document.content_hash == work.document.content_hash
            if equal and state_of(work.document).is_of(work.file) and _copy(store, home, entry, work):
                waiting.remove(work)
                yield work.indexed("copied")


def _copy(store: Store, home: Path | None, first: DocumentEntry, work: Work) -> bool:
    """Copy a stored document's pages, in commits of bounded size, unless they have been replaced meanwhile.

    The page's own fields are copied too, as they depend on its content. The user's fields are copied only if the stored
    document's file is gone: then the file was moved.
    """
    document = replace(work.document, page_count=first.document.page_count)
    is_moved = is_gone(source_file(first.document.path, home))
    fields = work.metadata or (first.metadata if is_moved else {})
    ids = page_ids(first.document, first.page_indices)
    written: set[str] = set()
    vectors = 0
    for start in range(0, len(ids), PAGES_PER_COMMIT):
        some = ids[start : start + PAGES_PER_COMMIT]
        copied = [_copied(page, document, fields) for page in store.read(some)]
        if len(copied) < len(some):
            return False
        is_last = some[-1] == ids[-1]
        store.put(copied, replace_documents=work.replaces and is_last, keep=written)
        written.update(page.page_id for page in copied)
        vectors += sum(len(page.embedding.vectors) for page in copied)
    work.pages, work.vectors = len(ids), vectors
    return True


def _copied(page: IndexedPage, document: Document, fields: Mapping[str, Scalar]) -> IndexedPage:
    identity = page_id(document.path, document.content_hash, page.page.page_index)
    return replace(page, page_id=identity, document=document, metadata={**of_page(page.metadata), **fields})
