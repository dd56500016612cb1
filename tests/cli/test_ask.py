"""``maxsight ask`` as people and programs use it, with a service on this machine."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from click.testing import CliRunner

from endpoint_server import endpoint_server
from maxsight import Library, extras
from maxsight.cli import main

pytest.importorskip("openai", reason="the extra 'ask' is not installed")


@pytest.fixture
def endpoint(monkeypatch):
    with endpoint_server() as endpoint:
        monkeypatch.setenv("OPENAI_BASE_URL", endpoint.url)
        monkeypatch.setenv("OPENAI_API_KEY", "secret-key")
        monkeypatch.setenv("MAXSIGHT_MODEL", "talker")
        yield endpoint


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MAXSIGHT_LIBRARY", raising=False)
    (tmp_path / "apples.txt").write_text("Red apples fall in autumn. The orchard sells cider.")
    (tmp_path / "bridges.txt").write_text("A suspension bridge hangs its deck from cables.")
    with Library.create("maxsight.library", encoder="fake") as library:
        library.index(["apples.txt", "bridges.txt"])
    return tmp_path


def ask(*arguments, code=0):
    result = CliRunner().invoke(main, ["ask", *arguments])
    assert result.exit_code == code, result.output
    return result


def test_an_answer_is_printed_with_the_pages_it_cites(folder, endpoint):
    endpoint.reply = ["They sell ci", "der [1", "]."]
    result = ask("what does the orchard sell?")
    assert result.stdout == "They sell cider [1].\n\n  [1] apples.txt  page 1\n"
    assert "note:" not in result.stderr


def test_an_invented_citation_is_marked_and_noted(folder, endpoint):
    endpoint.reply = ["They sell cider [5]."]
    result = ask("what does the orchard sell?")
    assert result.stdout == "They sell cider [5: no such page].\n"
    assert "note: the answer cites pages that do not exist: 5" in result.stderr
    assert "nothing shows that it is from the library" in result.stderr


def test_an_answer_as_json_has_its_citations_and_what_the_model_was_shown(folder, endpoint):
    answer = json.loads(ask("orchard", "--json", "-k", "2", "--model", "another").stdout)
    assert answer["answer"] == "Revenue grew by 9 percent [1]."
    assert [source["path"] for source in answer["cited"]] == ["apples.txt"]
    assert [source["number"] for source in answer["sources"]] == [1, 2]
    assert (answer["model"], answer["invented"], answer["notes"]) == ("another", [], [])


def test_quotes_and_numbers_are_looked_up_on_the_cited_pages(folder, endpoint):
    endpoint.reply = ['It says "the orchard sells cider" [1], 1,234 litres of it [1].']
    result = ask("what does the orchard sell?", "-k", "1")
    assert result.stdout.endswith('  [1] apples.txt  page 1\n      "the orchard sells cider"\n')
    assert 'note: the cited pages do not have this to the letter: "1,234"' in result.stderr
    quote, number = json.loads(ask("what does the orchard sell?", "-k", "1", "--json").stdout)["evidence"]
    assert quote["regions"] == [{"text": "The orchard sells cider", "boxes": []}], "plain text has no boxes"
    assert (quote["number"], number["number"], number["cited"]) == (1, None, [1])


def test_pictures_are_sent_unless_only_text_is_wanted(folder, endpoint):
    ask("orchard", "--model", "blind", "--text-only")
    assert "--text-only" in ask("orchard", "--model", "blind", code=7).stderr
    kinds = [[part["type"] for part in asked["messages"][1]["content"]] for asked in endpoint.requests]
    assert "image_url" not in kinds[0] and "image_url" in kinds[1]


def test_nothing_is_sent_unless_a_model_is_named(folder, endpoint, monkeypatch):
    monkeypatch.delenv("MAXSIGHT_MODEL")
    told = ask("orchard", code=7).stderr
    assert "MAXSIGHT_MODEL" in told and "--model" in told and "OPENAI" not in told  # the service is known
    assert endpoint.requests == []


def test_without_the_extra_the_pip_line_is_printed(folder, endpoint, monkeypatch):
    monkeypatch.setitem(extras.EXTRAS, "ask", ("a-package-that-is-not-there",))
    assert "pip install 'maxsight[ask]'" in ask("orchard", code=4).stderr


def test_ctrl_c_ends_an_answer_and_the_request(folder, endpoint):
    command = [sys.executable, "-m", "maxsight", "ask", "orchard", "--model", "endless"]
    running = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )
    assert running.stdout.read(10) == "on and on "
    time.sleep(0.05)
    running.send_signal(signal.SIGINT)
    _, told = running.communicate(timeout=60)
    assert (running.returncode, told.splitlines()[-1]) == (130, "stopped")
    assert "Traceback" not in told
    assert endpoint.hung_up.wait(10)


def test_an_answer_that_is_not_whole_is_printed_with_a_note_and_an_exit_code(folder, endpoint):
    endpoint.raw = b'data: {"choices": [{"delta": {"content": "They sell"}, "finish_reason": "length"}]}\n\n'
    result = ask("what?", "--model", "raw", code=7)
    assert "They sell" in result.stdout
    assert "note: the answer is not whole: the model reached its limit on length" in result.stderr
    assert json.loads(ask("what?", "--model", "raw", "--json", code=7).stdout)["cut"] == "length"
