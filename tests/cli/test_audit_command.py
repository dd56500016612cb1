"""``maxsight audit``, and ``maxsight search --queries``."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

from maxsight import Library, extras
from maxsight.cli import main
from maxsight.encoders.fake import FakeEncoder
from maxsight.identity import page_id
from store_pages import make_page

ENCODER = FakeEncoder()


def call(*arguments, code=0):
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == code, result.output
    return result


@pytest.fixture(scope="module")
def made_once(tmp_path_factory):
    """Eighty pages, each with a number and some words of its own."""
    path = tmp_path_factory.mktemp("made") / "maxsight.library"
    words = [f"word{number}" for number in range(40)]
    rng = np.random.default_rng(0)
    pages = []
    for number in range(80):
        text = f"page{number} {' '.join(rng.choice(words, 8, replace=False))}"
        page = make_page(f"{number:02}.txt", 0, text, boxed=False)
        own_id = page_id(page.document.path, page.document.content_hash, 0)
        pages.append(replace(page, page_id=own_id, embedding=ENCODER.encode_pages([page.page])[0]))
    with Library.create(path, encoder=ENCODER) as library:
        library.store.put(pages)
    return path


@pytest.fixture(autouse=True)
def library(tmp_path, monkeypatch, made_once):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MAXSIGHT_LIBRARY", raising=False)
    return shutil.copytree(made_once, tmp_path / "maxsight.library")


def test_an_audit_prints_a_table_and_searches_go_by_it(tmp_path):
    result = call("audit", "--sample", "30")
    lines = result.stdout.splitlines()
    assert lines[0] == "30 queries (lines of its own pages), 80 pages, against scoring every page"
    assert lines[2].split() == ["candidates", "recall@10", "at", "least", "lowest", "p50", "ms", "p95", "ms"]
    assert [line.split()[0] for line in lines[3:5]] == ["64", "80"]
    assert sum("recommended" in line for line in lines) == 1
    assert "default" in lines[4]
    assert lines[5].startswith("every page  1.0000")
    assert "stored in maxsight.library: searches use it from now on" in result.stderr
    assert "recall@10" in call("status").stdout
    kept = call("status").stdout
    few = call("audit", "--sample", "5", "--target", "0.1")
    assert "5 queries say little: measure with 30 or more" in few.stderr
    assert "not stored: searches use an audit of 30 queries" in few.stderr
    assert call("status").stdout == kept


def test_an_audit_of_few_queries_is_stored_if_there_is_no_better_one():
    first = call("audit", "--sample", "5")
    assert "5 queries say little" in first.stderr and "stored in maxsight.library" in first.stderr
    assert "measured" in call("status").stdout and "with 5 queries" in call("status").stdout
    assert "not stored" in call("audit", "--sample", "4").stderr
    assert "stored in maxsight.library" in call("audit", "--sample", "6").stderr


def test_an_audit_of_a_small_library_says_that_all_pages_are_scored(tmp_path):
    (tmp_path / "few").mkdir()
    for number in range(30):
        (tmp_path / "few" / f"{number}.txt").write_text(f"word{number} stands on page {number} alone")
    with Library.create(tmp_path / "small.library", encoder=ENCODER) as small:
        small.index(tmp_path / "few")
    result = call("audit", "-l", "small.library", "--sample", "30")
    assert "stored in small.library: but searches score all pages of so small a library" in result.stderr


def test_a_dry_run_leaves_the_library_as_it_is():
    result = call("audit", "--sample", "5", "--dry-run")
    assert "candidates" in result.stdout and "stored" not in result.stderr
    assert "default settings; `maxsight audit` measures" in call("status").stdout


def test_own_questions_are_asked(tmp_path):
    (tmp_path / "q.txt").write_text("word1 word2\n\nword3\n")
    record = json.loads(call("audit", "--queries", "q.txt", "--json", "-k", "3", "--target", "0.5").stdout)
    assert (record["queries"], record["source"], record["top_k"], record["target"]) == (2, "given", 3, 0.5)
    assert [setting["candidates"] for setting in record["settings"]] == [64, 80]
    assert record["recommended"] in record["settings"]


def test_an_audit_is_drawn(tmp_path):
    pytest.importorskip("matplotlib", reason="the extra 'plots' is not installed")
    from PIL import Image

    result = call("audit", "--sample", "3", "--plot", "audit.png")
    assert "drawn: audit.png" in result.stderr
    with Image.open(tmp_path / "audit.png") as drawn:
        assert drawn.size == (1050, 675)
    for name in ("no.where", "nothing"):
        refused = call("audit", "--sample", "3", "--plot", name, code=2)
        assert f"error: {name} can't be written" in refused.stderr


def test_a_picture_that_has_no_folder_is_refused_before_anything_is_asked():
    result = call("audit", "--sample", "3", "--plot", "nowhere/audit.png", code=2)
    assert result.stdout == "" and "there is no folder nowhere" in result.stderr
    assert "stored in" not in result.stderr


def test_without_matplotlib_the_table_is_printed_and_the_extra_named(monkeypatch):
    monkeypatch.setitem(extras.EXTRAS, "plots", ("matplotlib-that-is-not-there",))
    result = call("audit", "--sample", "3", "--plot", "audit.png", code=4)
    assert "recommended" in result.stdout
    assert "pip install 'maxsight[plots]'" in result.stderr


def test_an_empty_library_can_not_be_measured():
    Library.create("empty.library", encoder="fake").close()
    result = call("audit", "-l", "empty.library", code=2)
    assert "0 pages and 0 queries" in result.stderr


def test_all_questions_of_a_file_are_answered(tmp_path):
    (tmp_path / "q.jsonl").write_text('{"query": "page7", "file": "x"}\n{"query": "page9"}\n')
    found = json.loads(call("search", "--queries", "q.jsonl", "-k", "2", "--json").stdout)
    assert [answer["query"] for answer in found] == ["page7", "page9"]
    assert [answer["hits"][0]["path"] for answer in found] == ["07.txt", "09.txt"]
    assert [len(answer["hits"]) for answer in found] == [2, 2]
    alone = json.loads(call("search", "page7", "-k", "2", "--json").stdout)
    assert alone == found[0]["hits"]


def test_each_question_stands_above_its_pages(tmp_path):
    (tmp_path / "q.txt").write_text("page7\npage9\n")
    lines = call("search", "--queries", "q.txt", "-k", "1").stdout.splitlines()
    first, second = lines.index("page7"), lines.index("page9")
    assert "07.txt  page 1" in "".join(lines[first:second])
    assert "09.txt  page 1" in "".join(lines[second:])


@pytest.mark.parametrize("arguments", [[], ["page7", "--queries", "q.txt"]])
def test_a_question_or_a_file_of_them_is_wanted(tmp_path, arguments):
    (tmp_path / "q.txt").write_text("page7\n")
    assert "Give one of QUESTION" in call("search", *arguments, code=2).stderr


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("\n\n", "no queries in it"),
        ('word\n{"question": 1}', "line 2: query is missing"),
        ('["word1", "word2"]', "queries are not read from tables and arrays"),
        ("{", "line 1: not JSON from character 2 on"),
    ],
)
def test_a_file_without_questions_is_refused(tmp_path, content, complaint):
    (tmp_path / "q.txt").write_text(content)
    assert complaint in call("search", "--queries", "q.txt", code=2).stderr
