"""A process that writes a library until it is complete, and prints each commit after it is reported.

    python writer.py LIBRARY [LOCK_WAIT_S]

Exits with 6 when another process holds the library.
"""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from maxsight.errors import LibraryBusyError
from maxsight.retrieval.codes import PageCodec
from maxsight.stores.local.store import LocalStore
from store_pages import CODEC, MANIFEST, make_page

DOCUMENTS = 9
PAGES_PER_DOCUMENT = 3


def all_pages():
    """Return everything that the library has in the end, ``{path: pages}``."""
    return {
        f"docs/{number}.pdf": [
            make_page(
                f"docs/{number}.pdf",
                index,
                f"page {index} of document {number} " * 10,
                page_count=PAGES_PER_DOCUMENT,
                number=number,
            )
            for index in range(PAGES_PER_DOCUMENT)
        ]
        for number in range(DOCUMENTS)
    }


def open_or_create(path, lock_wait_s=10.0):
    """Open the library, or make it."""
    if LocalStore.exists(path):
        return LocalStore(path, codec=PageCodec, lock_wait_s=lock_wait_s)
    return LocalStore.create(path, MANIFEST, codec=CODEC, lock_wait_s=lock_wait_s)


def complete(store, report=lambda *words: None):
    """Write the missing pages, a few per commit, as ``index`` does."""
    with store.writing():
        stored = {entry.document.path: entry.page_indices for entry in store.documents()}
        for number, (path, pages) in enumerate(all_pages().items()):
            missing = [page for page in pages if page.page.page_index not in stored.get(path, ())]
            for start in range(0, len(missing), 2):
                batch = missing[start : start + 2]
                store.put(batch)
                report(*(page.page_id for page in batch))
            if missing and number % 3 == 2:
                store.set_metadata({path: {"number": number, "seen": True}})
                store.optimize()
            if missing and number % 5 == 4:
                store.compact()
                store.put(pages, replace_documents=True)
        store.optimize()


def say(*words):
    print(*words, flush=True)


if __name__ == "__main__":
    place, *wait = sys.argv[1:]
    say("started", os.getpid())
    try:
        library = open_or_create(Path(place), float(wait[0]) if wait else 10.0)
        complete(library, say)
    except LibraryBusyError as error:
        say("busy", error)
        sys.exit(error.exit_code)
    say("done")
