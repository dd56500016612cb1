"""The targets that a first user runs install no packages of the tests."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.skipif(not shutil.which("make"), reason="make is not installed")
@pytest.mark.parametrize("target", ["demo", "multilingual"])
def test_what_a_first_user_runs_installs_the_package_without_extras(target, tmp_path):
    """A dry run in a folder without .venv prints every command."""
    for name in ("Makefile", "pyproject.toml", "packages"):
        (tmp_path / name).symlink_to(ROOT / name)
    done = subprocess.run(["make", "-n", target], cwd=tmp_path, capture_output=True, text=True, check=True)
    pip = [line for line in done.stdout.splitlines() if "pip install" in line]
    installed = [line.split("--disable-pip-version-check ")[1] for line in pip]
    assert installed[0] == "--editable ."
    assert not [line for line in installed if "[" in line or "torch" in line]
