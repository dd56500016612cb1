"""Output for terminals and logs."""

import time

import pytest

from maxsight.cli import output
from maxsight.cli.output import failure_text, log_lines, say, shown
from maxsight.indexing import NotIndexed


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("esc \x1b[31mred\x07.txt", "esc \\u001b[31mred\\u0007.txt"),
        ("line\nbreak\tand tab.txt", "line\\nbreak\\tand tab.txt"),
        ("gpj\u202e.txt", "gpj\\u202e.txt"),
        ("\u00dcbersicht \u4e00.txt", "\u00dcbersicht \u4e00.txt"),
    ],
)
def test_a_name_can_not_steer_the_terminal(name, written):
    assert shown(name) == written


def test_messages_escape_what_names_in_them_hold_and_keep_their_lines(capsys):
    say("one \x1b]0;title\x07\ntwo")
    assert capsys.readouterr().err == "one \\u001b]0;title\\u0007\ntwo\n"
    text = failure_text("not indexed", NotIndexed("a\nb.txt", 2, "it is damaged", "Save it again."))
    assert text == "not indexed: a\\nb.txt, page 2: it is damaged\n    Save it again."


def test_a_log_gets_a_line_again_and_again_until_the_work_is_done(monkeypatch, capsys):
    monkeypatch.setattr(output, "LOG_INTERVAL_S", 0.01)
    lines = iter(range(1_000_000))
    with log_lines(lambda: f"line {next(lines)}"):
        while "line 2" not in (said := capsys.readouterr().err):
            time.sleep(0.02)
    capsys.readouterr()
    time.sleep(0.05)
    assert (said.startswith("line"), capsys.readouterr().err) == (True, "")


def test_a_terminal_gets_no_log(monkeypatch, capsys):
    monkeypatch.setattr(output, "LOG_INTERVAL_S", 0.01)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    with log_lines(lambda: "line"):
        time.sleep(0.05)
    assert capsys.readouterr().err == ""


def test_the_interval_is_below_half_a_minute():
    assert output.LOG_INTERVAL_S < 30
