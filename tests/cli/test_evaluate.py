"""Measuring the ranking on the command line: a benchmark's folder, or queries with qrels."""

import json

import pytest
from click.testing import CliRunner

from evaluation.test_qrels import QRELS, QUERIES, beir, vidore_3, write
from maxsight.cli import main


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("MAXSIGHT_LIBRARY", raising=False)
    return tmp_path


def call(*arguments, code=0):
    result = CliRunner().invoke(main, ["evaluate", *arguments])
    assert result.exit_code == code, result.output
    return result


def test_a_folder_is_indexed_and_measured_in_total_and_by_language(folder):
    vidore_3(folder / "benchmark")
    result = call("benchmark", "-l", "b.library", "--by", "language", "--run-file", "run.trec")
    assert "2 questions, scope library\n  nDCG@5     " in result.stdout
    assert "1 of 3 queries have no answer in the qrels" in result.stderr
    lines = [line.split() for line in result.stdout.splitlines()]
    assert ["language", "questions", "nDCG@5", "nDCG@10"] in [line[:4] for line in lines]
    assert ["english", "1"] in [line[:2] for line in lines]
    run = [line.split() for line in (folder / "run.trec").read_text().splitlines()]
    assert [line[:4] for line in run if line[3] == "1"] == [["1", "Q0", "7", "1"], ["2", "Q0", "9", "1"]]
    queries, qrels = write(folder / "q.jsonl", QUERIES), write(folder / "r.csv", QRELS)
    again = call(str(queries), "--qrels", str(qrels), "-l", "b.library", "--by", "language", "--json")
    measured = json.loads(again.stdout)
    assert measured["by"]["language"]["french"]["questions"] == 1
    assert measured["measures"]["recall@10"] == 1


def test_texts_are_ranked_too(folder):
    beir(folder / "benchmark")
    measured = json.loads(call("benchmark", "-l", "b.library", "--depth", "100", "--json").stdout)
    assert measured["measures"]["recall@100"] == measured["measures"]["nDCG@10"] == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("q.jsonl", "--by", "language"), "--by needs --qrels, or a FOLDER"),
        (("none.jsonl",), "the questions can't be read: No such file or directory\n"),
        (("q.jsonl", "-l", "l"), "give --qrels"),
        (("empty",), "empty has no corpus and no queries and no qrels"),
        (("empty", "--qrels", "r.csv"), "a folder has its own"),
        (("q.jsonl", "--run-file", "none/run.trec"), "there is no folder none"),
    ],
)
def test_what_can_not_be_measured_is_named(arguments, said, folder):
    write(folder / "q.jsonl", QUERIES)
    (folder / "empty").mkdir()
    assert said in call(*arguments, code=2).stderr
    assert not (folder / "maxsight.library").exists()
