"""No text of others commands the terminal, and JSON stays what it was."""

import io
import json

import pytest

from maxsight.cli.output import json_text, say
from maxsight.cli.terminal import SafeStream

FOREIGN = "a\x1b]0;owned\x07b \u202ecod.exe\u2066 \x9b2J \U000e0041"


def written(text):
    stream = io.StringIO()
    SafeStream(stream).write(text)
    return stream.getvalue()


def test_hidden_characters_are_written_as_escapes():
    assert written(FOREIGN) == "a\\u001b]0;owned\\u0007b \\u202ecod.exe\\u2066 \\u009b2J \\udb40\\udc41"


def test_what_click_writes_and_readable_text_stay():
    ours = "\r\x1b[?25l\x1b[1mbold\x1b[0m\ttab\nΔδ العربية 日本語 e\u0301 👩\u200d💻"
    assert written(ours) == ours
    assert written("\x1b[8mhidden") == "\\u001b[8mhidden"


def test_json_is_the_same_value():
    value = {"snippet": FOREIGN, "path": "\u200f.pdf"}
    assert json.loads(written(json_text(value))) == value


@pytest.mark.parametrize("text", ["\x1b[2J", "\u202e"])
def test_messages_are_escaped_too(capsys, text):
    say(f"error: {text}")
    assert capsys.readouterr().err == f"error: {json.dumps(text)[1:-1]}\n"
