"""What the documents tell people to type works, in order, on the sample documents."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"```(console|python)\n(.*?)```", re.DOTALL)
PAGES = [
    "README.md",
    "docs/tutorial.md",
    "docs/how-to.md",
    "docs/async.md",
    "docs/embedding.md",
    "docs/auditing.md",
    "docs/records.md",
    "docs/datasets.md",
    "docs/coming-from-milvus-tutorials.md",
    "docs/milvus.md",
]


@pytest.fixture(scope="session")
def indexed(tmp_path_factory):
    """A folder with the sample documents and their library, as left by the first command of the tutorial."""
    folder = tmp_path_factory.mktemp("documentation")
    shutil.copytree(ROOT / "examples", folder / "examples")
    command = [sys.executable, "-m", "maxsight", "index", "examples/documents"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, env=environment())
    return folder


def environment():
    """Where `maxsight` and `python` are those that run the tests."""
    return {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}


@pytest.mark.parametrize("page", PAGES)
def test_the_commands_of_a_page_work_in_order(page, indexed, tmp_path):
    folder = tmp_path / "reader"
    shutil.copytree(indexed, folder)
    blocks = BLOCK.findall((ROOT / page).read_text(encoding="utf-8"))
    assert blocks
    for kind, block in blocks:
        if kind == "python":
            run([sys.executable, "-c", block], folder)
            continue
        for line in re.sub(r"\\\n", " ", block).splitlines():
            if line.startswith("$ ") and not line.startswith(("$ make", "$ pip", "$ git")):
                run(["bash", "-c", line[2:]], folder)


def run(command, folder):
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, env=environment(), timeout=300, check=False
    )
    assert done.returncode == 0, f"{shlex.join(command)}\n{done.stdout}{done.stderr}"


def test_the_command_reference_is_what_help_prints():
    script = ROOT / "docs" / "make_cli_reference.py"
    made = subprocess.run(
        [sys.executable, str(script), "--print"], capture_output=True, text=True, check=True
    )
    assert made.stdout == (ROOT / "docs" / "reference" / "cli.md").read_text(encoding="utf-8"), (
        f"run: python {script.relative_to(ROOT)}"
    )


@pytest.mark.parametrize("command", [(), ("index",), ("search",), ("quality", "predict")])
def test_the_command_reference_is_what_a_wide_terminal_shows(command):
    shown = subprocess.run(
        [sys.executable, "-c", "from maxsight.cli import main; main(prog_name='maxsight')", *command, "-h"],
        capture_output=True,
        text=True,
        check=True,
        env={**environment(), "COLUMNS": "140"},
    ).stdout
    written = (ROOT / "docs" / "reference" / "cli.md").read_text(encoding="utf-8")
    assert f"\n## {' '.join(('maxsight', *command))}\n\n```text\n{shown}```\n" in written


def test_links_between_documents_lead_somewhere():
    for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("benchmarks/*.md")]:
        for target in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8")):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_japanese_readme_tells_the_same_commands_as_the_english_one():
    """Those of the English one are run above."""
    commands = {
        name: re.findall(r"^\$ (.*?)(?: +#.*)?$", (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE)
        for name in ("README.md", "README.ja.md")
    }
    told = commands["README.ja.md"]
    assert [command for command in told if command not in [*commands["README.md"], "make multilingual"]] == []
    assert len(told) >= 5
    text = (ROOT / "README.ja.md").read_text(encoding="utf-8")
    assert [link for link in re.findall(r"\]\((?!http)([^)]+)\)", text) if not (ROOT / link).exists()] == []
