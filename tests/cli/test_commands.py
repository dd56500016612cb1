"""The commands as people and programs use them."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image

from maxsight import Library
from maxsight.cli import main
from maxsight.identity import page_id
from maxsight.types import SourceReason, TextRun, TextSource
from pdf_files import write_pdf

APPLES = "Red apples fall from the tree in autumn.\n\nThe orchard sells cider."


def fill(folder):
    (folder / "docs").mkdir()
    (folder / "docs" / "apples.txt").write_text(APPLES)
    (folder / "docs" / "bridges.md").write_text("A suspension bridge hangs its deck from cables.")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MAXSIGHT_LIBRARY", raising=False)
    fill(tmp_path)
    return tmp_path


def call(*arguments, code=0, **kwargs):
    result = CliRunner().invoke(main, arguments, **kwargs)
    assert result.exit_code == code, result.output
    return result


@pytest.fixture(scope="module")
def made_once(tmp_path_factory):
    """The folder with its library, indexed once for all tests that only need it to be there."""
    made = tmp_path_factory.mktemp("made")
    fill(made)
    call("index", str(made / "docs"), "--encoder", "fake", "--library", str(made / "maxsight.library"))
    return made


@pytest.fixture
def indexed(tmp_path, monkeypatch, made_once):
    monkeypatch.delenv("MAXSIGHT_LIBRARY", raising=False)
    folder = shutil.copytree(made_once, tmp_path / "folder")
    monkeypatch.chdir(folder)
    return folder


def test_a_question_prints_rank_page_score_match_and_snippet(indexed):
    out = call("search", "orchard cider", "-k", "1").stdout
    assert "1. docs/apples.txt  page 1  score 2.00" in out
    assert "matched orchard, cider" in out
    assert "The orchard sells cider." in out


def test_json_holds_the_same_for_programs(indexed):
    hits = json.loads(call("search", "orchard cider", "--json").stdout)
    assert [hit["rank"] for hit in hits] == [1, 2]
    assert (hits[0]["path"], hits[0]["page_number"]) == ("docs/apples.txt", 1)
    assert [match["region"]["text"] for match in hits[0]["matches"]] == ["orchard", "cider"]
    assert hits[0]["score"] == pytest.approx(2, abs=1e-2)


def test_results_go_to_stdout_and_everything_else_to_stderr(indexed):
    (indexed / "docs" / "broken.pdf").write_bytes(b"nonsense")
    result = call("index", "docs", "--json", code=3)
    report = json.loads(result.stdout)
    assert report["skipped"] == 2
    assert "broken.pdf" in report["not_indexed"][0]["path"]
    assert "not indexed" in result.stderr and "broken.pdf" in result.stderr


def test_paths_can_come_from_standard_input(folder):
    call("index", "-", "--encoder", "fake", input="docs/apples.txt\n\n")
    listed = json.loads(call("list", "--json").stdout)
    assert [(document["path"], document["complete"]) for document in listed] == [("docs/apples.txt", True)]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("empty",), "empty has no file that maxsight reads (.avif, .gif, .heic, "),
        (("docs", "empty", "--include", "*.zip"), "--include"),
        (("-",), "no file was named"),
    ],
)
def test_where_nothing_is_found_to_index_it_says_so_and_no_library_is_made(folder, arguments, says):
    """It is no error, as a folder that is empty today is in step with its library."""
    (folder / "empty").mkdir()
    assert says in call("index", *arguments, "--encoder", "fake").stderr
    assert not (folder / "maxsight.library").exists()


def test_the_list_shows_where_what_is_expected_of_ocr_is_doubtful(indexed):
    """As for a poster, unlike any page learned from: its number alone would be taken for certain."""
    with Library.open(indexed / "maxsight.library") as library:
        (entry,) = library.documents("file LIKE '%.md'")
        page = page_id(entry.document.path, entry.document.content_hash, 0)
        library.store.set_page_fields({page: {"predicted_cer": 0.5, "quality_note": "unlike any page"}})
    assert call("list", "--filter", "file LIKE '%.md'").stdout == (
        "docs/bridges.md  1 page  CER 0.50 (worst 0.50, page 1)  OCR note, page 1: unlike any page\n"
    )
    notes = {row["path"]: row["quality_notes"] for row in json.loads(call("list", "--json").stdout)}
    assert notes == {"docs/apples.txt": {}, "docs/bridges.md": {"1": "unlike any page"}}


def test_the_list_and_the_export_say_where_each_part_of_a_text_comes_from(folder):
    pq = pytest.importorskip("pyarrow.parquet")
    write_pdf(folder / "a.pdf", [[(72, 144, "The harbour opens at dawn.")], []])
    call("index", "a.pdf", "--encoder", "fake", "--ocr", "never")
    assert call("list").stdout == "a.pdf  2 pages (1 layer, 1 none)\n"
    with Library.open("maxsight.library") as library:
        page = library.find_page("a.pdf", 1)
        runs = (TextRun(TextSource.LAYER, 3), TextRun(TextSource.RAPIDOCR, 2, SourceReason.DRAWN))
        library.store.put([replace(page, page=replace(page.page, text_runs=runs))])
    (document,) = json.loads(call("list", "--json").stdout)
    assert document["text_source"] == {"layer+rapidocr": 1, "none": 1}
    expected = [
        {"source": "layer", "words": 3, "reason": None},
        {"source": "rapidocr", "words": 2, "reason": "drawn"},
    ]
    assert document["text_runs"] == {"1": expected}
    call("export", "pages.parquet")
    rows = pq.read_table("pages.parquet").sort_by("page_number").to_pylist()
    assert [(row["text_source"], row["text_runs"]) for row in rows] == [("layer", expected), ("none", [])]


def test_the_list_can_be_filtered_by_what_search_is_filtered_by(indexed):
    assert call("list", "--filter", "file LIKE '%.md'").stdout == "docs/bridges.md  1 page\n"


@pytest.mark.parametrize("command", [("search", "bridges"), ("list",)])
def test_a_filter_that_matches_no_page_is_named_as_the_reason(indexed, command):
    nothing = call(*command, "--filter", "file LIKE '%BRIDGES%'")
    assert nothing.stdout == ""
    assert (
        "nothing found with this filter; it compares text case-sensitively, except with ILIKE"
        in nothing.stderr
    )
    assert call(*command, "--filter", "page_number > 99").stderr.endswith("nothing found with this filter\n")


def summaries(*group):
    lines = call(*group, "--help", terminal_width=80).stdout.partition("Commands:\n")[2].splitlines()
    return [line for line in lines if line]


@pytest.mark.parametrize("group", [(), ("quality",)])
def test_no_commands_summary_is_cut_or_needs_a_second_line(group):
    assert len(summaries(*group)) >= 4
    for line in summaries(*group):
        assert not line.endswith("...") and not line.startswith("    "), line


def test_include_and_exclude_choose_files(folder):
    call("index", "docs", "--encoder", "fake", "--include", "*.md", "--include", "*.txt", "--exclude", "app*")
    assert call("list").stdout == "docs/bridges.md  1 page\n"


def test_the_library_can_be_named_by_option_or_environment(folder, monkeypatch):
    call("index", "docs", "--encoder", "fake", "--library", "one.library")
    monkeypatch.setenv("MAXSIGHT_LIBRARY", "one.library")
    assert "documents  2" in call("status").stdout


def test_metadata_serves_filters(indexed):
    (indexed / "fields.csv").write_text("file,year\napples.txt,2019\nnowhere.pdf,1\n")
    result = call("index", "docs", "--metadata", "fields.csv")
    assert "nowhere.pdf" in result.stderr
    assert "apples" in call("search", "the", "--filter", "year < 2020").stdout
    result = call("search", "the", "--filter", "colour = 'red'", code=2)
    assert "colour" in result.stderr and "year" in result.stderr


def test_what_moves_a_page_up_stands_beside_its_score(indexed):
    out = call("search", "orchard", "-k", "1").stdout
    assert 'score 1.00  +0.30 to the letter: "orchard"' in out
    (hit,) = json.loads(call("search", "orchard", "-k", "1", "--json").stdout)
    assert hit["boosts"] == [{"kind": "letter", "words": "orchard", "value": 0.3}]


def test_a_quoted_phrase_is_a_condition_and_a_minus_excludes(indexed):
    assert "apples" in call("search", 'the "apple orchard"').stdout + call("search", '"orchard"').stdout
    nothing = call("search", '"orchard of kraken"')
    assert nothing.stdout == ""
    assert (
        'no page has "orchard of kraken" to the letter: search without the quotation marks' in nothing.stderr
    )
    assert "apples" not in call("search", "the -orchard").stdout


def test_the_pages_of_a_document_are_shown_together(indexed):
    (indexed / "long.txt").write_text("\n".join(["the orchard", "bread", "the load"] * 400))
    call("index", ".")
    hits = json.loads(call("search", "the orchard", "--group", "document", "--json").stdout)
    paths = [hit["path"] for hit in hits]
    assert paths == sorted(paths, key=paths.index) and len(set(paths)) < len(paths)
    assert call("search", "the orchard", "--group", "document").stdout.count("long.txt  page") == 1


def test_explain_names_matches_and_draws_the_page(indexed):
    result = call("explain", "orchard cider", "apples.txt", "1", "--out", "heat.png")
    assert "orchard  = orchard" in result.stdout
    with Image.open("heat.png") as picture:
        assert picture.width > 520 and picture.height >= 700
    explained = json.loads(call("explain", "orchard cider", "apples.txt", "1", "--json").stdout)
    assert sum(region["score"] for region in explained["regions"]) == explained["score"]


def test_removed_documents_are_gone(indexed):
    assert call("remove", "apples.txt").stdout == "removed docs/apples.txt\n"
    assert call("list").stdout == "docs/bridges.md  1 page\n"
    assert "apples.txt" in call("remove", "apples.txt", code=2).stderr


def test_evaluate_prints_the_measures(indexed):
    (indexed / "q.jsonl").write_text(
        '{"query": "orchard cider", "file": "apples.txt", "page_indices": [0]}\n'
        '{"query": "anything", "file": "missing.pdf", "page_indices": [0]}\n'
    )
    result = call("evaluate", "q.jsonl", "--json")
    report = json.loads(result.stdout)
    assert report["measures"]["nDCG@5"] == 0.5
    assert "'missing.pdf' is not in the library" in result.stderr
    assert "nDCG@5     0.500" in call("evaluate", "q.jsonl").stdout


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("search", "x", "--library", "nowhere.library"), 5, "nowhere.library"),
        (("search", "?!"), 2, "no words"),
        (("search", ""), 2, "no words"),
        (("search", "x", "--filter", "year ="), 2, "filter"),
        (("index", "docs", "--encoder", "minilm"), 5, "indexed with fake"),
        (("search", "x", "--encoder", "minilmm"), 4, "did you mean minilm?"),
        (("index", "docs", "--metadata", "nowhere.csv"), 2, "nowhere.csv"),
        (("index", "nowhere"), 2, "there is no file or folder nowhere"),
        (("search", "x", "--library", "docs"), 5, "maxsight index docs --library docs.library"),
        (("search", "x", "--device", "cuda:7"), 2, "not on cuda:7"),
        (("list", "--filter", "colour = 'red'"), 2, "colour"),
        (("explain", "x", "aples.txt", "1"), 2, "did you mean docs/apples.txt?"),
        (("remove", "docs/bridge.md"), 2, "did you mean docs/bridges.md?"),
        (("explain", "x", "apples.txt", "9"), 2, "page 9"),
        (("explain", "x", "nowhere.txt", "1"), 2, "nowhere.txt"),
        (("export", "missing-folder/pages.parquet"), 2, "missing-folder"),
        (("evaluate", "nowhere.jsonl"), 2, "nowhere.jsonl"),
    ],
)
def test_what_can_not_be_done_is_said_with_an_exit_code(indexed, arguments, code, says):
    result = call(*arguments, code=code)
    assert says.casefold() in result.stderr.casefold()
    assert "Traceback" not in result.output


def start(*arguments):
    return subprocess.Popen(
        [sys.executable, "-m", "maxsight", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.skipif(os.name == "nt", reason="sends a POSIX signal")
def test_ctrl_c_stops_cleanly_and_the_same_command_goes_on(folder):
    for number in range(3000):
        (folder / "docs" / f"{number}.txt").write_text(f"Document number{number}.")
    running = start("index", "docs", "--encoder", "fake")
    library = folder / "maxsight.library"
    deadline = time.monotonic() + 60
    while not list(library.glob("*/data/*")) and time.monotonic() < deadline:
        time.sleep(0.05)
    running.send_signal(signal.SIGINT)
    _, told = running.communicate(timeout=60)
    assert running.returncode == 130, told
    assert "goes on from here" in told and "Traceback" not in told
    kept = len(json.loads(call("list", "--json").stdout))
    assert 0 < kept < 3002
    report = json.loads(call("index", "docs", "--json").stdout)
    assert (report["skipped"], len(report["indexed"])) == (kept, 3002 - kept)


def test_a_closed_pipe_ends_a_listing_quietly(indexed):
    running = start("list")
    running.stdout.close()
    _, told = running.communicate(timeout=60)
    assert "Traceback" not in told and "Exception" not in told


@pytest.mark.parametrize(
    "arguments",
    [("explain", "orchard", "apples.txt", "1", "--out", "docs/apples.txt"), ("export", "docs/apples.txt")],
)
def test_an_output_never_takes_the_name_of_another_kind_of_file(indexed, arguments):
    assert "can't be its name" in call(*arguments, code=2).stderr
    assert (indexed / "docs" / "apples.txt").read_text() == APPLES


def test_a_query_that_is_cut_says_so(folder):
    call("index", "docs")
    told = call("search", "orchard " * 2000).stderr
    assert "only the first" in told and "words of the query are searched for" in told


def test_words_without_quotation_marks_are_one_question(indexed):
    for command, rest in (("search", ()), ("explain", ("bridges.md", "1"))):
        apart = call(command, "suspension", "bridge", *rest, "--json").output
        assert apart == call(command, "suspension bridge", *rest, "--json").output


@pytest.mark.parametrize("option", ["-k", "--top-k"])
def test_the_number_of_pages_has_a_long_and_a_short_name(indexed, option):
    assert len(json.loads(call("search", "bridge", option, "1", "--json").output)) == 1


def test_help_names_no_type_of_a_program_and_index_shows_its_options_in_groups():
    reference = (Path(__file__).parents[2] / "docs" / "reference" / "cli.md").read_text()
    assert "RANGE" not in reference
    shown = call("index", "--help").output
    titles = [
        "What is indexed:",
        "How pages are read:",
        "Rows of data files:",
        "Where,",
        "On a Ray cluster:",
        "Limits:",
        "Other options:",
    ]
    places = [shown.index(title) for title in titles]
    assert places == sorted(places)
    assert shown[places[-1] :].count("--") <= 3  # --json, --help, and what is new
