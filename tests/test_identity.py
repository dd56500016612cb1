import re

import pytest

from maxsight.errors import InputError, UnknownDocumentError
from maxsight.identity import document_path, find_document, find_exactly, find_named, page_id


def test_files_beside_the_library_are_named_so_that_both_can_be_moved_together(tmp_path):
    assert document_path(tmp_path / "docs" / "a.pdf", tmp_path) == "docs/a.pdf"


def test_files_elsewhere_are_named_in_full(tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    assert document_path(tmp_path / "a.pdf", home) == (tmp_path.resolve() / "a.pdf").as_posix()


def test_one_file_has_one_name_from_whatever_folder_it_is_named(tmp_path, monkeypatch):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.pdf").touch()
    names = []
    for folder, spelling in (
        (tmp_path, "docs/a.pdf"),
        (tmp_path / "docs", "a.pdf"),
        (tmp_path / "docs", "../docs/a.pdf"),
    ):
        monkeypatch.chdir(folder)
        names.append(document_path(__import__("pathlib").Path(spelling), tmp_path))
    assert names == ["docs/a.pdf"] * 3


def test_a_page_id_depends_on_path_content_and_index():
    ids = {page_id("a", "h", 0), page_id("b", "h", 0), page_id("a", "g", 0), page_id("a", "h", 1)}
    assert len(ids) == 4
    assert page_id("a", "h", 0) == page_id("a", "h", 0)


def test_documents_are_found_by_path_or_name(tmp_path):
    known = ["docs/a.pdf", "docs/b.pdf", "old/b.pdf"]
    assert find_document("a.pdf", known, tmp_path) == "docs/a.pdf"
    assert find_document("old/b.pdf", known, tmp_path) == "old/b.pdf"
    assert find_document(str(tmp_path / "docs/a.pdf"), known, tmp_path) == "docs/a.pdf"


def test_a_name_in_the_library_is_no_path_on_the_disk(tmp_path):
    known = ["docs/a.pdf", "docs/b.pdf", "old/b.pdf"]
    assert find_named("a.pdf", known) == find_named("docs/a.pdf", known) == "docs/a.pdf"
    for asked in (str(tmp_path / "docs/a.pdf"), "docs/../docs/a.pdf", "./docs/a.pdf.", "b.pdf"):
        with pytest.raises(InputError):
            find_named(asked, known)


def test_an_exact_name_is_that_of_one_document_and_of_no_other():
    assert find_exactly("docs/a.pdf", ["docs/a.pdf"]) == "docs/a.pdf"
    for asked in ("a.pdf", "wiki.jsonl"):
        with pytest.raises(UnknownDocumentError, match="not in the library"):
            find_exactly(asked, ["docs/a.pdf", "wiki.jsonl#Adobe"])


@pytest.mark.parametrize(
    ("asked", "complaint"), [("b.pdf", "fits 2 documents"), ("c.pdf", "not in the library"), ("", "not in")]
)
def test_a_name_that_fits_none_or_several_is_refused(tmp_path, asked, complaint):
    with pytest.raises(InputError, match=complaint):
        find_document(asked, ["docs/b.pdf", "old/b.pdf"], tmp_path)


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("anual-report.pdf", "docs/annual-report.pdf"),
        ("Annual-Report.PDF", "docs/annual-report.pdf"),
        ("dosc/notes.md", "docs/notes.md"),
        ("wiki.jsonl", "wiki.jsonl#Adobe or wiki.jsonl#PDF"),
        ("wiki.jsonl#Abode", "wiki.jsonl#Adobe or wiki.jsonl#PDF"),
    ],
)
def test_a_name_that_is_nearly_right_is_answered_with_the_right_one(tmp_path, asked, meant):
    known = ["docs/annual-report.pdf", "docs/notes.md", "wiki.jsonl#Adobe", "wiki.jsonl#PDF"]
    with pytest.raises(InputError, match=f"; did you mean {re.escape(meant)}"):
        find_document(asked, known, tmp_path)


def test_a_name_like_no_other_gets_no_suggestion(tmp_path):
    with pytest.raises(InputError, match="is not in the library") as caught:
        find_document("holiday.jpg", ["docs/annual-report.pdf"], tmp_path)
    assert "did you mean" not in str(caught.value)
