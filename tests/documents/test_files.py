import os

from maxsight.documents.events import missing_pages
from maxsight.documents.files import is_gone


def test_missing_pages_are_read_from_the_other_end():
    """A file is given up after some pages in a row that hang: what lies behind them is reached from the end."""
    assert missing_pages(8, (0,)) == (7, 6, 5, 4, 3, 2, 1)
    assert missing_pages(3, (0, 1, 2)) == ()
    assert missing_pages(2, ()) == (1, 0)


def test_only_what_is_certainly_not_there_is_gone(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    assert not is_gone(tmp_path / "file")
    assert is_gone(tmp_path / "nowhere")
    assert is_gone(tmp_path / "file" / "below")

    def refused(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "lstat", refused)
    assert not is_gone(tmp_path / "nowhere")
