from __future__ import annotations

import hashlib
import os
from collections import Counter
from pathlib import Path

import pytest

from maxsight.documents import content_hash, discover
from maxsight.documents.discover import LINK_OUT
from maxsight.errors import UnreadableDocumentError, UnsupportedFormatError


def make(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)


def names(root: Path, *paths: Path, **globs: tuple[str, ...]) -> list[str]:
    found = discover(paths or [root], **globs)
    return [item.relative_to(root).as_posix() if isinstance(item, Path) else item.reason for item in found]


def test_a_folder_is_walked_in_order_and_other_things_are_passed_over(tmp_path):
    make(
        tmp_path,
        "b.pdf",
        "a/z.TXT",
        "a/b/c.jpeg",
        "c.docx",
        ".hidden.pdf",
        ".git/x.md",
        "my.library/cache/1.png",
    )
    assert names(tmp_path) == ["a/b/c.jpeg", "a/z.TXT", "b.pdf"]


def test_files_of_other_kinds_in_folders_are_counted_by_kind_unless_globs_leave_them_out(tmp_path):
    make(tmp_path, "a.docx", "old/b.DOCX", "old/c.odt", "README", "d.pdf", ".hidden.docx", "my.library/e.bin")
    kinds = Counter()
    assert len(list(discover([tmp_path], other_kinds=kinds))) == 1
    assert kinds == {".docx": 2, ".odt": 1, "": 1}
    kinds.clear()
    assert list(discover([tmp_path], include=("*.d*", "d.*"), exclude=("old",), other_kinds=kinds)) == [
        tmp_path / "d.pdf"
    ]
    assert kinds == {".docx": 1}


def test_files_keep_the_order_given_and_come_once(tmp_path):
    make(tmp_path, "b.pdf", "a.pdf")
    given = [tmp_path / "b.pdf", tmp_path, tmp_path / "a" / ".." / "a.pdf", tmp_path / "a.pdf"]
    assert names(tmp_path, *given) == ["b.pdf", "a.pdf"]


def test_globs_match_names_and_paths_below_the_folder(tmp_path):
    make(tmp_path, "report.pdf", "draft-1.pdf", "old/report.pdf", "old/deep/notes.md", "notes.txt")
    assert names(tmp_path, include=("*.pdf",)) == ["draft-1.pdf", "old/report.pdf", "report.pdf"]
    assert names(tmp_path, include=("old/*",)) == ["old/deep/notes.md", "old/report.pdf"]
    assert names(tmp_path, exclude=("draft*", "old/")) == ["notes.txt", "report.pdf"]
    assert names(tmp_path, include=("*.pdf",), exclude=("old",)) == ["draft-1.pdf", "report.pdf"]
    assert names(tmp_path, tmp_path / "notes.txt", include=("*.pdf",)) == ["notes.txt"]


def test_a_missing_path_is_named_with_a_hint_and_the_rest_found(tmp_path):
    make(tmp_path, "a.pdf")
    missing, found = discover([tmp_path / "none.pdf", tmp_path])
    assert isinstance(missing, UnreadableDocumentError)
    assert missing.path == str(tmp_path / "none.pdf")
    assert missing.reason == "there is no such file or folder"
    assert missing.hint
    assert found == tmp_path / "a.pdf"


def test_a_named_file_of_unknown_kind_is_an_error(tmp_path):
    make(tmp_path, "a.docx", "Makefile")
    errors = list(discover([tmp_path / "a.docx", tmp_path / "Makefile"]))
    assert all(isinstance(error, UnsupportedFormatError) for error in errors)
    assert "does not read files of kind .docx" in str(errors[0])
    assert ".pdf" in errors[0].hint


def test_links_are_followed_once_and_broken_ones_named(tmp_path):
    make(tmp_path, "a/x.pdf")
    try:
        (tmp_path / "a" / "loop").symlink_to(tmp_path)
        (tmp_path / "b.pdf").symlink_to(tmp_path / "gone.pdf")
    except OSError:
        pytest.skip("this system lets users make no links")
    assert names(tmp_path) == ["a/x.pdf", "it is a link to nothing"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read every folder")
def test_an_unreadable_folder_is_named(tmp_path):
    make(tmp_path, "a/x.pdf", "b.pdf")
    (tmp_path / "a").chmod(0)
    try:
        assert names(tmp_path) == ["it can't be opened (Permission denied)", "b.pdf"]
    finally:
        (tmp_path / "a").chmod(0o755)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_named_like_a_document_is_not_opened(tmp_path):
    os.mkfifo(tmp_path / "a.pdf")
    assert names(tmp_path) == []
    assert names(tmp_path, tmp_path / "a.pdf") == ["it is neither a file nor a folder"]


def test_the_content_hash_is_sha256(tmp_path):
    content = bytes(range(256)) * 5000
    (tmp_path / "a.pdf").write_bytes(content)
    assert content_hash(tmp_path / "a.pdf") == hashlib.sha256(content).hexdigest()
    with pytest.raises(UnreadableDocumentError, match="can't be opened"):
        content_hash(tmp_path / "b.pdf")


def test_globs_ignore_case_and_the_form_of_accents(tmp_path):
    make(tmp_path, "a.txt", "Z.TXT", "u\u0308ber.PDF", "b.pdf")
    assert names(tmp_path, include=("*.txt",)) == ["Z.TXT", "a.txt"]
    assert names(tmp_path, include=("\u00dc*.pdf",)) == ["u\u0308ber.PDF"]


def test_globs_may_begin_with_the_folder_as_it_was_given(tmp_path, monkeypatch):
    make(tmp_path, "box/a.txt", "box/sub/b.txt", "box/other/box/sub/c.txt")
    monkeypatch.chdir(tmp_path)
    for glob in ("box/sub/*", "./box/sub/*", "box/sub", f"{tmp_path}/box/sub/*"):
        found = [item.as_posix() for item in discover(["box"], exclude=(glob,))]
        assert found == ["box/a.txt", "box/other/box/sub/c.txt"]
    assert [item.as_posix() for item in discover(["./box/"], include=("box/sub/*",))] == ["box/sub/b.txt"]


def test_a_glob_does_not_see_the_folders_above_the_given_one(tmp_path):
    make(tmp_path, "drafts/box/a.txt")
    assert names(tmp_path, tmp_path / "drafts" / "box", exclude=("*draft*",)) == ["drafts/box/a.txt"]


def test_a_path_with_a_nul_is_named(tmp_path):
    (problem,) = discover([tmp_path / "a\0b.txt"])
    assert "can't be the name of a file" in problem.reason


def test_links_out_of_a_folder_are_counted_and_followed_only_on_request(tmp_path):
    outside, folder = tmp_path / "outside", tmp_path / "folder"
    for place in (outside, folder / "inner"):
        place.mkdir(parents=True)
        (place / "a.txt").write_text("words")
    try:
        (folder / "file.txt").symlink_to(outside / "a.txt")
        (folder / "sub").symlink_to(outside)
        (folder / "inside.txt").symlink_to(folder / "inner" / "a.txt")
    except OSError:
        pytest.skip("links can't be made here")
    passed = Counter()
    found = [path.relative_to(folder).as_posix() for path in discover([folder], other_kinds=passed)]
    assert found == ["inner/a.txt", "inside.txt"]
    assert dict(passed) == {LINK_OUT: 2}
    every = discover([folder], follow_symlinks=True)
    assert sorted(path.relative_to(folder).as_posix() for path in every) == [
        "file.txt", "inner/a.txt", "inside.txt", "sub/a.txt",
    ]  # fmt: skip
    assert list(discover([folder / "file.txt"])) == [folder / "file.txt"], "a named file is read"
