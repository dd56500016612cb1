"""The example programs run from top to bottom and find what they are about."""

import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
PROGRAMS = {
    "search_wikipedia_by_title.py": ("10 articles", "1. Adobe Inc.", "software"),
    "search_pdfs_as_rows.py": (
        "12 pages",
        "1. heat-pump-service-manual.pdf, page 6",
        "1. dark-towers-paper.pdf",
    ),
    "rag_with_langchain.py": ("As the manual says", "heat-pump-service-manual.pdf, page 6: "),
    "rag_with_llama_index.py": (
        "Context information is below",
        "heat-pump-service-manual.pdf, page 6, score",
    ),
    "rag_with_haystack.py": ("An answer from a prompt of", "heat-pump-service-manual.pdf, page 6, "),
    "search_financial_reports.py": ("1. annual-report-2024.pdf", "What gave most of the first score"),
}


def run(program, folder, *arguments):
    environment = {name: value for name, value in os.environ.items() if name != "MAXSIGHT_LIBRARY"}
    command = [sys.executable, str(folder / "examples" / program), *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("examples")
    shutil.copytree(EXAMPLES, folder / "examples", ignore=shutil.ignore_patterns("*.library"))
    return folder


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_finds_what_it_is_about(program, folder):
    done = run(program, folder)
    assert done.returncode == 0, done.stderr
    for expected in PROGRAMS[program]:
        assert expected in done.stdout


def test_documents_in_other_languages_are_asked_or_it_is_said_how_to_get_their_encoder(folder):
    done = run("ask_in_other_languages.py", folder, "demo")
    assert done.returncode == 0, done.stderr
    if find_spec("maxsight_multilingual") is None:
        assert "make multilingual demo" in done.stdout
        return
    answers = re.findall(r"^  (\S+\.md): ", done.stdout, re.MULTILINE)
    assert answers == ["heat-pump-ja.md", "wind-park-visit-ko.md"] * 2
    assert "画面に「E7」と表示されたときは" in done.stdout


def test_a_program_is_no_longer_than_a_screen_or_two():
    for program in [*PROGRAMS, "ask_three_questions.py", "ask_in_other_languages.py"]:
        assert len((EXAMPLES / program).read_text().splitlines()) <= 80
