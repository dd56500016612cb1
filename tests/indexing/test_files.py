import os

from maxsight.indexing.files import is_gone, missing_pages
from maxsight.stores.base import DocumentEntry
from maxsight.types import Document


def entry(page_count, page_indices):
    return DocumentEntry(Document("a.pdf", "h", 1, 1, page_count), page_indices, 0, {})


def test_missing_pages_are_read_from_the_other_end():
    """A file is given up after some pages in a row that hang: what lies behind them is reached from the end."""
    assert missing_pages(entry(8, (0,))) == (7, 6, 5, 4, 3, 2, 1)
    assert missing_pages(entry(3, (0, 1, 2))) == ()
    assert missing_pages(None) is None


def test_only_what_is_certainly_not_there_is_gone(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    assert not is_gone(tmp_path / "file")
    assert is_gone(tmp_path / "nowhere")
    assert is_gone(tmp_path / "file" / "below")

    def refused(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "lstat", refused)
    assert not is_gone(tmp_path / "nowhere")
