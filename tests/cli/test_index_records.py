"""Records on the command line: indexed by group, asked by words, phrases and vectors."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

from maxsight.cli import main

ROWS = [
    {"title": "Adobe Inc.", "text": "Adobe makes software.", "year": 1982, "emb": [1, 0, 0]},
    {"title": "Adobe", "text": "Bricks of clay.\n\nDried in the sun.", "emb": [0, 1, 0]},
    {"title": "Adobe Inc.", "text": "It sells programs.", "emb": [0, 0, 1]},
]
GROUPED = ("wiki.jsonl", "--group-by", "title", "--text-field", "text")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("MAXSIGHT_LIBRARY", raising=False)
    write(*ROWS)
    return tmp_path


def write(*rows):
    with open("wiki.jsonl", "w") as file:
        file.writelines((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows)


def call(*arguments, code=0):
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == code, result.output
    return result


def test_records_are_indexed_by_group_with_one_vector_a_paragraph(folder):
    report = json.loads(call("index", *GROUPED, "--json").stdout)
    assert [(each["path"], each["vectors"]) for each in report["indexed"]] == [
        ("wiki.jsonl#Adobe Inc.", 2),
        ("wiki.jsonl#Adobe", 2),
    ]
    assert "minilm:paragraphs" in call("status").stdout
    assert "2 unchanged" in call("index", *GROUPED).stdout


def test_words_and_phrases_find_documents_with_the_paragraph_for_each(folder):
    call("index", *GROUPED, "--metadata-field", "year")
    (first, *_) = json.loads(call("search", "Adobe software", "--json").stdout)
    assert first["path"] == "wiki.jsonl#Adobe Inc."
    assert [match["word"] for match in first["matches"]] == ["Adobe", "software"]
    out = call("search", "--phrase", "clay bricks", "--phrase", "drying in the sun", "-k", "1").stdout
    assert "1. wiki.jsonl#Adobe  page 1" in out
    assert "drying in the sun (Dried in the sun)" in out
    (only,) = json.loads(call("search", "clay", "--filter", "year < 1990", "--json").stdout)
    assert only["metadata"] == {"title": "Adobe Inc.", "year": 1982}


def test_vectors_that_came_along_are_asked_with_vectors(folder):
    call("index", *GROUPED, "--vector-field", "emb")
    np.save("query.npy", np.array([[0, 0, 2.0]]))
    (first, second) = json.loads(call("search", "--query-vectors", "query.npy", "--json").stdout)
    assert (first["path"], first["score"]) == ("wiki.jsonl#Adobe Inc.", 1.0)
    assert (second["path"], second["score"]) == ("wiki.jsonl#Adobe", 0.0)
    assert first["matches"][0]["region"]["text"] == "It sells programs"
    refused = call("search", "software", code=2)
    assert "--query-vectors" in refused.stderr


def test_a_broken_line_is_named_and_the_exit_code_says_so(folder):
    write(ROWS[0], "{broken", ROWS[1])
    result = call("index", *GROUPED, code=3)
    assert "not indexed: wiki.jsonl: line 2: not JSON" in result.stderr
    assert "2 documents indexed" in result.stdout


def test_records_without_vectors_make_no_library_of_vectors(folder):
    write({"title": "Adobe", "text": "Bricks."})
    refused = call("index", *GROUPED, "--vector-field", "emb", code=3)
    assert "no record in it has a usable vector in the field 'emb'" in refused.stderr
    assert not (folder / "maxsight.library").exists()


def test_a_file_of_records_is_removed_by_its_name(folder):
    call("index", *GROUPED)
    out = call("remove", "wiki.jsonl").stdout
    assert out.splitlines() == ["removed wiki.jsonl#Adobe", "removed wiki.jsonl#Adobe Inc."]
    assert "0" in call("status").stdout


def test_one_document_of_records_is_explained_and_removed_by_its_name(folder):
    call("index", *GROUPED)
    out = call("explain", "clay", "wiki.jsonl#Adobe", "1").stdout
    assert "0.758  clay  = clay" in out
    assert call("remove", "wiki.jsonl#Adobe").stdout == "removed wiki.jsonl#Adobe\n"


def test_a_picture_of_a_document_of_records_can_be_drawn(folder):
    call("index", *GROUPED)
    call("explain", "clay", "wiki.jsonl#Adobe", "1", "--out", "why.png")
    assert (folder / "why.png").stat().st_size > 1000


def test_a_file_of_records_without_its_fields_named_says_how_to_name_them(folder):
    result = CliRunner().invoke(main, ["index", "wiki.jsonl"])
    assert result.exit_code == 3
    assert "--group-by FIELD --text-field FIELD" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--group-by", "title"), "Give --group-by and --text-field together."),
        (("--vector-field", "emb"), "need --group-by and --text-field"),
        ((*GROUPED[1:], "--include", "*.x"), "include: not for records"),
        ((*GROUPED[1:], "--encoder", "precomputed"), "there are none"),
    ],
)
def test_options_that_do_not_go_together_are_refused(arguments, said, folder):
    result = CliRunner().invoke(main, ["index", "wiki.jsonl", *arguments])
    assert result.exit_code in (2, 4)
    assert said in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("words", "--phrase", "words"),
        ("words", "--query-vectors", "x.npy"),
        ("--queries", "x", "--phrase", "y"),
    ],
)
def test_a_search_asks_one_thing(arguments, folder):
    assert "Give one of" in call("search", *arguments, code=2).stderr


def test_a_file_without_records_is_told_as_such(folder):
    write()
    assert "note: wiki.jsonl has no records" in call("index", *GROUPED).stderr
