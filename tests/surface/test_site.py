"""The site has every page of the docs, and its Python reference every public name."""

from pathlib import Path

import yaml

import maxsight

ROOT = Path(__file__).parents[2]


def pages(entry):
    if isinstance(entry, str):
        yield entry
    else:
        for below in entry.values() if isinstance(entry, dict) else entry:
            yield from pages(below)


def test_every_page_of_the_docs_is_in_the_navigation_once():
    site = yaml.safe_load((ROOT / "mkdocs.yml").read_text("utf-8"))
    written = {file.relative_to(ROOT / "docs").as_posix() for file in ROOT.glob("docs/**/*.md")}
    assert site["strict"] and sorted(pages(site["nav"])) == sorted(written)


def test_the_python_reference_has_every_public_name_once():
    named = [
        line.removeprefix("::: ")
        for line in (ROOT / "docs" / "reference" / "python.md").read_text("utf-8").splitlines()
        if line.startswith("::: ")
    ]
    homes = {f"{maxsight._HOMES[name]}.{name}" for name in maxsight.__all__ if name != "__version__"}
    assert sorted(named) == sorted(homes)
