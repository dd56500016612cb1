from pathlib import Path

from maxsight.identity import document_path, page_id


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
        names.append(document_path(Path(spelling), tmp_path))
    assert names == ["docs/a.pdf"] * 3


def test_a_page_id_depends_on_path_content_and_index():
    ids = {page_id("a", "h", 0), page_id("b", "h", 0), page_id("a", "g", 0), page_id("a", "h", 1)}
    assert len(ids) == 4
    assert page_id("a", "h", 0) == page_id("a", "h", 0)
