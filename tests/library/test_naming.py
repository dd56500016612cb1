import re
from pathlib import PurePosixPath

import pytest

from maxsight.errors import InputError, UnknownDocumentError
from maxsight.library.naming import Names, unknown_page


def test_documents_are_found_by_path_or_name(tmp_path):
    known = ["docs/a.pdf", "docs/b.pdf", "old/b.pdf"]
    assert Names(known).find_on_disk("a.pdf", tmp_path) == "docs/a.pdf"
    assert Names(known).find_on_disk("old/b.pdf", tmp_path) == "old/b.pdf"
    assert Names(known).find_on_disk(str(tmp_path / "docs/a.pdf"), tmp_path) == "docs/a.pdf"


def test_a_name_in_the_library_is_no_path_on_the_disk(tmp_path):
    known = ["docs/a.pdf", "docs/b.pdf", "old/b.pdf"]
    assert Names(known).find("a.pdf") == Names(known).find("docs/a.pdf") == "docs/a.pdf"
    for asked in (str(tmp_path / "docs/a.pdf"), "docs/../docs/a.pdf", "./docs/a.pdf.", "b.pdf"):
        with pytest.raises(InputError):
            Names(known).find(asked)


def test_an_exact_name_is_that_of_one_document_and_of_no_other():
    assert Names(["docs/a.pdf"]).find_exactly("docs/a.pdf") == "docs/a.pdf"
    for asked in ("a.pdf", "wiki.jsonl"):
        with pytest.raises(UnknownDocumentError, match="not in the library"):
            Names(["docs/a.pdf", "wiki.jsonl#Adobe"]).find_exactly(asked)


@pytest.mark.parametrize(
    ("asked", "complaint"), [("b.pdf", "fits 2 documents"), ("c.pdf", "not in the library"), ("", "not in")]
)
def test_a_name_that_fits_none_or_several_is_refused(tmp_path, asked, complaint):
    with pytest.raises(InputError, match=complaint):
        Names(["docs/b.pdf", "old/b.pdf"]).find_on_disk(asked, tmp_path)


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
        Names(known).find_on_disk(asked, tmp_path)


def test_a_name_like_no_other_gets_no_suggestion(tmp_path):
    with pytest.raises(InputError, match=r"is not in the library \(1 document\)") as caught:
        Names(["docs/annual-report.pdf"]).find_on_disk("holiday.jpg", tmp_path)
    assert "did you mean" not in str(caught.value)


def test_a_page_that_is_not_there_is_told_how_many_are():
    assert str(unknown_page("a.pdf", 1, 9)) == "a.pdf has 1 page; page 9 is not in the library"
    assert str(unknown_page("a.pdf", 3, 9)) == "a.pdf has 3 pages; page 9 is not in the library"


KNOWN = [
    "a.pdf",
    "docs/a.pdf",
    "docs/x/a.pdf",
    "/data/docs/b.pdf",
    "w.jsonl#A/B",
    "w.jsonl#B",
    "w.jsonl#x/.",
    "odd/..",
    "d/",
    "ü.txt",
]
ASKED = [
    *KNOWN, "x/a.pdf", "./x/a.pdf", "x//a.pdf", "x/a.pdf/", "b.pdf", "docs/b.pdf", "/b.pdf", "B", "w.jsonl#x",
    "w.jsonl#A", ".", "..", "/", "", "d", "odd", "pdf", "A.PDF", "/data/docs/b.pdf/.", "a.pdf\0",
]  # fmt: skip


@pytest.mark.parametrize("asked", ASKED)
def test_the_index_finds_what_a_look_at_every_path_finds(asked):
    """The definition: a path is meant if it is the asked one, or alone in ending with the asked one's parts."""
    tail = PurePosixPath(asked).parts
    ending = [path for path in KNOWN if tail and PurePosixPath(path).parts[-len(tail) :] == tail]
    expected = [asked] if asked in KNOWN else ending
    if len(expected) == 1:
        assert Names(KNOWN).find(asked) == expected[0]
    else:
        with pytest.raises(
            InputError, match=f"fits {len(expected)} documents" if expected else "not in the library"
        ):
            Names(KNOWN).find(asked)


def test_a_file_of_records_stands_for_all_its_groups(tmp_path):
    names = Names(["a.pdf", "w.jsonl#B", "w.jsonl#A", "old/w.jsonl#A"])
    assert names.find_with_groups("a.pdf", tmp_path) == ["a.pdf"]
    assert names.find_with_groups("old/w.jsonl", tmp_path) == ["old/w.jsonl#A"]
    assert names.find_with_groups(str(tmp_path / "w.jsonl"), tmp_path) == ["w.jsonl#A", "w.jsonl#B"]
    assert names.find_with_groups("w.jsonl#B", tmp_path) == ["w.jsonl#B"]
