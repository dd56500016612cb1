"""What an encoder has to say about documents is told once, with some of their names."""

import pytest

from maxsight import Library
from maxsight.notices import SAMPLE_CHARS, Noticed, Notices
from maxsight.spelling import list_names


def german(sample):
    return "not English" if "Umsatz" in sample else None


@pytest.mark.parametrize(
    ("names", "text"),
    [(["a"], "a"), (["a", "b", "c"], "a, b, c"), (["a", "b", "c", "d", "e"], "a, b, c and 2 more"), ([], "")],
)
def test_of_many_names_the_first_three_are_told(names, text):
    assert list_names(names) == text


def test_a_notice_is_told_once_with_the_documents_it_is_about():
    notices = Notices(german)
    for name, text in (("a", "Umsatz"), ("b", "revenue"), ("c", "Der Umsatz")):
        notices.read(name, text)
    for name in ("a", "b", "c", "d"):
        notices.end(name)
    assert list(notices.events()) == [Noticed("not English (a, c)")]


def test_a_notice_about_a_document_is_added_once_and_has_a_hint():
    notices = Notices(german)
    for name in ("a", "a", "b"):
        notices.add(name, "not clear", "scan it again")
    assert list(notices.events()) == [Noticed("not clear (a, b)", "scan it again")]


def test_a_document_that_is_forgotten_is_not_told_of():
    notices = Notices(german)
    notices.read("a", "Umsatz")
    notices.add("a", "not clear")
    notices.forget("a")
    notices.end("a")
    assert list(notices.events()) == []


def test_only_the_beginning_of_a_long_document_is_kept():
    seen = []
    notices = Notices(seen.append)
    for page in range(1000):
        notices.read("a", f"{page} " * 1000)
    notices.end("a")
    assert len(seen[0]) < 2 * SAMPLE_CHARS + 2


def test_a_folders_files_of_other_kinds_are_told_of_by_kind(tmp_path):
    for name in ("notes.txt", "a.docx", "b.DOCX", "c.xlsx"):
        (tmp_path / name).write_text("The pump moves water.")
    with Library.create(tmp_path / "test.library") as library:
        report = library.index(tmp_path)
        assert [indexed.path for indexed in report.indexed] == ["notes.txt"]
        told = "passed over 3 files of kinds that maxsight does not read (2 .docx, 1 .xlsx)"
        assert report.notices == (told,)
        assert library.index(tmp_path, exclude=["*.docx", "*.DOCX", "*.xlsx"]).notices == ()
        assert library.index(tmp_path / "notes.txt").notices == ()


def test_a_question_of_words_that_nobody_knows_is_told_so_and_any_other_is_not(tmp_path):
    (tmp_path / "pump.txt").write_text("The Zyxgadget pumps water. Order it as QX-77213.")
    with Library.create(tmp_path / "test.library") as library:
        library.index(tmp_path / "pump.txt")
        (notice,) = library.notices("Asdfgh qwertz!")
        assert notice.startswith('no page has "Asdfgh", "qwertz" to the letter')
        assert library.notices("asdfgh water")[0].startswith('no page has "asdfgh" to the letter')
        for known in ("zyxgadget", "water?", "qx-77213", "77213"):
            assert library.notices(known) == [], known
