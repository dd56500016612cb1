"""environment.yml asks for what pyproject.toml asks for, no less and no more."""

import re
import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
WRITTEN = (ROOT / "environment.yml").read_text("utf-8")
COMMENTED = re.compile(r"^( +)# - ", re.MULTILINE)


def requirements(text):
    """Of conda and of pip, without pip itself and the project."""
    dependencies = yaml.safe_load(text)["dependencies"]
    (by_pip,) = (entry["pip"] for entry in dependencies if isinstance(entry, dict))
    by_conda = [entry for entry in dependencies if isinstance(entry, str) and entry != "pip"]
    return by_conda, [entry for entry in by_pip if not entry.startswith("--editable")]


def test_the_environment_has_every_requirement_once_and_nothing_else():
    by_conda, by_pip = requirements(WRITTEN)
    python = f"python{PROJECT['requires-python']}"
    assert sorted(by_conda + by_pip) == sorted([python, *PROJECT["dependencies"]])


def test_with_the_comments_taken_away_it_has_the_extra_too():
    by_conda, by_pip = requirements(COMMENTED.sub(r"\1- ", WRITTEN))
    base = {f"python{PROJECT['requires-python']}", *PROJECT["dependencies"]}
    assert sorted({*by_conda, *by_pip} - base) == sorted(PROJECT["optional-dependencies"]["colpali"])


def test_the_project_itself_is_installed_from_where_the_file_lies():
    assert yaml.safe_load(WRITTEN)["dependencies"][-1]["pip"][-1] == "--editable ."
