"""Data sets of pages on the command line."""

import json

import pytest
from click.testing import CliRunner

from maxsight.cli import main
from page_rows import page_row, write_rows

FIELDS = ("--image-field", "image", "--document-field", "doc_id", "--page-field", "page_number_in_doc")
TEXT = ("--text-field", "markdown", "--ocr", "none")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MAXSIGHT_LIBRARY", raising=False)
    write_rows(
        tmp_path / "corpus.parquet", page_row(7, "report", 12, "red"), page_row(8, "report", 3, "blue")
    )
    return tmp_path


def call(*arguments, code=0):
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == code, result.output
    return result


def test_a_hit_says_the_page_of_its_document_and_can_be_explained_and_removed(folder):
    report = json.loads(call("index", "corpus.parquet", *FIELDS, *TEXT, "--json").stdout)
    assert [(each["path"], each["pages"]) for each in report["indexed"]] == [("corpus.parquet#report", 2)]
    (hit, _) = json.loads(call("search", "the red page", "--json").stdout)
    assert (hit["file"], hit["page_number"], hit["metadata"]["corpus_id"]) == ("corpus.parquet#report", 12, 7)
    assert "page 12" in call("explain", "red", "report", "12", "--out", "heat.png").stdout
    assert (folder / "heat.png").stat().st_size
    assert call("remove", "corpus.parquet").stdout == "removed corpus.parquet#report\n"


def test_a_row_that_cant_be_used_is_named_and_the_exit_code_says_so(folder):
    write_rows(folder / "corpus.parquet", page_row(7, "report", 12, "red"), page_row(8, "report", 12, "blue"))
    result = call("index", "corpus.parquet", *FIELDS, *TEXT, code=3)
    assert "corpus.parquet: row 2: page 12 of 'report' is in row 1 of corpus.parquet already" in result.stderr
    assert "1 document indexed (1 page" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--page-field", "page"), "--page-field needs --image-field"),
        ((*FIELDS, "--group-by", "doc_id"), "not for rows with --image-field"),
        ((*FIELDS, "--quality"), "quality: not for records"),
        ((), "or --image-field FIELD if each is a page"),
    ],
)
def test_options_that_do_not_go_together_are_refused(arguments, said, folder):
    result = CliRunner().invoke(main, ["index", "corpus.parquet", *arguments])
    assert result.exit_code in (2, 3)
    assert said in result.stderr
