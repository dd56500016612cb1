"""``maxsight copy``, and naming a library by an address."""

import json

import pytest
from click.testing import CliRunner

from maxsight.cli import main


def call(*arguments, code=0):
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == code, result.output
    return result


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MAXSIGHT_LIBRARY", raising=False)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "apples.txt").write_text("Red apples fall from the tree in autumn.")
    (tmp_path / "docs" / "bridges.md").write_text("A suspension bridge hangs its deck from cables.")
    call("index", "docs", "--encoder", "fake")
    return tmp_path


def test_a_copy_says_what_was_copied_and_is_a_library(folder):
    out = call("copy", "maxsight.library", "copies/second.library").stdout
    assert "copied to copies/second.library: 2 documents, 2 pages" in out
    assert "2 pages written, 0 were there" in out
    searched = ("search", "suspension cables", "--json")
    assert call(*searched, "-l", "copies/second.library").stdout == call(*searched).stdout


def test_json_holds_counts_and_the_checksum(folder):
    first = json.loads(call("copy", "maxsight.library", "copies/second.library", "--json").stdout)
    again = json.loads(call("copy", "maxsight.library", "copies/second.library", "--json").stdout)
    assert (first["written"], again["written"], again["unchanged"]) == (2, 0, 2)
    assert first["checksum"] == again["checksum"]


def test_progress_goes_to_stderr(folder):
    assert "copying" in call("copy", "maxsight.library", "second.library").stderr


def test_documents_that_only_the_copy_has_are_removed_where_that_is_wanted(folder):
    call("copy", "maxsight.library", "copies/second.library")
    call("remove", "bridges.md")
    assert "--prune" in call("copy", "maxsight.library", "copies/second.library", code=2).stderr
    assert "1 document removed" in call("copy", "maxsight.library", "copies/second.library", "--prune").stdout
    assert call("list", "-l", "copies/second.library").stdout == "docs/apples.txt  1 page\n"


def test_a_root_names_where_the_files_are_now(folder):
    call("copy", "maxsight.library", "copies/second.library", "--root", "copies")
    (folder / "docs").rename(folder / "copies" / "docs")
    assert "2 unchanged" in call("index", "copies/docs", "-l", "copies/second.library").stdout


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("copy", "nowhere.library", "x.library"), 5, "no library at nowhere.library"),
        (("copy", "maxsight.library", "docs"), 5, "docs is not empty"),
        (("copy", "maxsight.library", "docs/apples.txt"), 2, "is a file"),
        (("copy", "maxsight.library", "maxsight.library"), 2, "the library itself"),
        (("search", "x", "-l", "ftp://bucket/x"), 2, "ftp://"),
        (("status", "-l", "http://host?layout=other"), 2, "layout must be one of rows, embedding-list"),
    ],
)
def test_what_can_not_be_copied_is_said(folder, arguments, code, says):
    result = call(*arguments, code=code)
    assert says in result.stderr and "Traceback" not in result.output


def test_a_token_is_never_printed(folder, monkeypatch):
    monkeypatch.setenv("MAXSIGHT_TOKEN", "root:fromthevariable")
    for arguments in (("status", "--help"), ("status", "-l", "http://root:fromtheurl@host")):
        result = CliRunner().invoke(main, arguments)
        assert "fromthe" not in result.output
