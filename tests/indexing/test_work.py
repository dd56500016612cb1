from dataclasses import replace
from pathlib import Path

import pytest

from maxsight.indexing.work import Work
from maxsight.stores.base import DocumentEntry
from maxsight.types import Document

NEW = Document("a.pdf", "new", 1, 1, 0)
STORED = DocumentEntry(Document("a.pdf", "new", 1, 1, 4), (0, 2), 5, {})


@pytest.mark.parametrize(
    ("entry", "again", "missing", "replaces"),
    [
        (None, False, None, False),
        (None, True, None, False),
        (STORED, False, (3, 1), False),
        (STORED, True, None, True),
        (replace(STORED, mixed=True), False, None, True),
        (replace(STORED, document=replace(STORED.document, content_hash="old")), False, None, True),
    ],
    ids=["new", "new, read again", "incomplete", "read again", "between two contents", "changed"],
)
def test_what_is_stored_of_a_document_says_what_is_read_of_it(entry, again, missing, replaces):
    work = Work.planned(NEW, {}, Path("a.pdf"), entry, again=again)
    assert (work.missing, work.replaces) == (missing, replaces)
    assert (work.job.page_indices, work.job.name) == (missing, "a.pdf")
