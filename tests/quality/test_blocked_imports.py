"""Predicting works where the packages for training are not installed."""

import subprocess
import sys

import pytest
from PIL import Image

from page_pictures import page_picture

BLOCKED = """
import sys
sys.modules |= dict.fromkeys(["sklearn", "jiwer", "matplotlib", "lightgbm"])  # None: importing it fails
"""
PREDICT = """
from maxsight.cli import main
main(["quality", *sys.argv[1:]])
"""
TRAIN = """
from maxsight import extras
extras.EXTRAS["quality-training"] += ("a-package-nobody-has",)
import maxsight.quality.training.trainer
"""


def run_blocked(code, *arguments):
    command = [sys.executable, "-c", BLOCKED + code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def page(tmp_path):
    Image.fromarray(page_picture()).save(tmp_path / "page.png")
    return tmp_path / "page.png"


def test_a_page_is_predicted_without_the_packages_for_training(page):
    result = run_blocked(PREDICT, "predict", page)
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("CER 0.")


def test_a_page_is_explained_without_the_packages_for_training(page, tmp_path):
    result = run_blocked(PREDICT, "explain", page, "--out", tmp_path / "heat.png", "--ocr", "none")
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("CER 0.")


def test_importing_training_without_its_packages_names_the_extra():
    result = run_blocked(TRAIN)
    assert "MissingExtraError" in result.stderr
    assert "pip install 'maxsight[quality-training]'" in result.stderr
