import re

import pytest

from maxsight.errors import InputError, UnknownDocumentError
from maxsight.library.naming import find_document, find_exactly, find_named


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
