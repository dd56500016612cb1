"""What people install holds what it needs, and no more than a package should weigh."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    out = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (made,) = out.glob("*.whl")
    return made


def test_the_package_holds_the_offline_encoder_with_its_notice(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    needed = (
        "minilm/model.onnx",
        "minilm/tokenizer.json",
        "minilm/recipe.json",
        "minilm/NOTICE",
        "quality/models/patches.quality",
        "maxsight/py.typed",
    )
    assert [name for name in needed if not any(found.endswith(name) for found in names)] == []
    assert not [name for name in names if name.startswith(("tests", "examples"))]


def test_the_package_weighs_less_than_fifty_megabytes(wheel):
    assert sum(info.file_size for info in zipfile.ZipFile(wheel).infolist()) < 50_000_000


def test_the_installed_package_works_without_the_source_tree(wheel, tmp_path):
    """Unpacked elsewhere and put first on the path, so that nothing comes from the checkout."""
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    (tmp_path / "note.txt").write_text("The lighthouse keeper rows to the harbour.")
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path / 'site')!r})\n"
        "import maxsight\nfrom maxsight import Library\n"
        f"assert maxsight.__file__.startswith({str(tmp_path)!r}), maxsight.__file__\n"
        "with Library.create('l.library') as library:\n"
        "    library.index('note.txt')\n"
        "    print(library.search('who rows?')[0].snippet)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.stdout == "The lighthouse keeper rows to the harbour.\n", done.stderr
