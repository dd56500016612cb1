"""``maxsight quality`` as people and programs use it; learning itself is tested in tests/quality."""

import csv
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from maxsight.cli import main
from maxsight.quality.predictor import DPI
from page_pictures import page_picture


def run(*arguments):
    return CliRunner().invoke(main, ["quality", *map(str, arguments)])


@pytest.fixture
def scans(tmp_path):
    folder = tmp_path / "scans"
    folder.mkdir()
    Image.fromarray(page_picture()).save(folder / "clean.png")
    noisy = page_picture() + np.random.default_rng(0).normal(0, 70, (1300, 1000))
    Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(folder / "noisy.png")
    Image.new("L", (500, 500), 255).save(folder / "blank.png")
    return folder


def test_pages_are_predicted_worst_first(scans):
    result = run("predict", scans, "--json")
    assert result.exit_code == 0, result.output
    rows = json.loads(result.stdout)
    assert [row["file"].rpartition("/")[2] for row in rows] == ["blank.png", "noisy.png", "clean.png"]
    assert rows[0]["predicted_cer"] is None and "blank" in rows[0]["refusal"]
    assert rows[1]["predicted_cer"] > rows[2]["predicted_cer"]


def test_predictions_are_written_to_a_table(scans, tmp_path):
    assert run("predict", scans, "--out", tmp_path / "t.csv").exit_code == 0
    rows = list(csv.DictReader((tmp_path / "t.csv").read_text().splitlines()))
    assert len(rows) == 3
    for wrong in ("t.doc", "nowhere/t.csv"):  # before anything is read
        result = run("predict", scans / "no such file", "--out", tmp_path / wrong)
        assert result.exit_code == 2 and "written" in result.stderr


def test_unreadable_files_are_named_and_the_rest_is_predicted(scans):
    (scans / "broken.pdf").write_bytes(b"no PDF")
    result = run("predict", scans)
    assert result.exit_code == 3
    assert "broken.pdf" in result.stderr
    assert len(result.stdout.splitlines()) == 3


def test_a_page_is_explained_as_a_picture(scans, tmp_path):
    out = tmp_path / "heat.png"
    result = run("explain", scans / "noisy.png", "--out", out, "--ocr", "none")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("CER 0.")
    with Image.open(out) as drawn:
        assert drawn.height > 1400


def test_a_blank_page_is_not_explained(scans, tmp_path):
    result = run("explain", scans / "blank.png", "--out", tmp_path / "heat.png")
    assert result.exit_code == 2
    assert "blank" in result.stderr
    assert run("explain", scans / "clean.png", "--out", tmp_path / "heat.jpg").exit_code == 2


def test_training_without_samples_is_refused(tmp_path):
    result = run("train", tmp_path, "--out", tmp_path / "m.quality")
    assert result.exit_code == 2
    assert "no samples lie in" in result.stderr


WITHOUT_THE_EXTRA = """
import sys
from maxsight import cli, extras
extras.EXTRAS["quality-training"] = ("a-package-nobody-has",)
cli.main(["quality", *sys.argv[1:]])
"""


@pytest.mark.parametrize("command", [("dataset",), ("dataset", "--pairs"), ("train",)])
def test_training_without_its_extra_shows_the_pip_line(command, tmp_path):
    arguments = [*command, str(tmp_path), "--out", str(tmp_path / "out")]
    result = subprocess.run(
        [sys.executable, "-c", WITHOUT_THE_EXTRA, *arguments], capture_output=True, text=True, check=False
    )
    assert result.returncode == 4
    assert "pip install 'maxsight[quality-training]'" in result.stderr
    assert "Traceback" not in result.stderr


def test_indexing_with_quality_reports_pages_and_lists_them(scans, tmp_path):
    def maxsight(*arguments):
        result = CliRunner().invoke(main, [*map(str, arguments), "--library", str(tmp_path / "t.library")])
        assert result.exit_code == 0, result.output
        return result.stdout

    told = maxsight("index", scans, "--quality", "--ocr", "none", "--encoder", "fake")
    assert "OCR may fail: scans/noisy.png  page 1  CER 0." in told
    assert told.endswith("3 pages judged\n")
    listed = {Path(entry["path"]).name: entry["quality"] for entry in json.loads(maxsight("list", "--json"))}
    assert listed["blank.png"] is None
    assert listed["noisy.png"]["worst_cer"] > 0.2 > listed["clean.png"]["mean_cer"]
    assert "noisy.png  1 page (1 none)  CER 0." in maxsight("list")
    again = json.loads(maxsight("index", scans, "--quality", "--json"))
    assert (again["judged"], again["unreadable"]) == (0, [])


def test_new_pages_of_a_judged_library_are_judged_unless_refused(scans, tmp_path):
    def judged(*arguments):
        place = ["--library", str(tmp_path / "t.library"), "--ocr", "none", "--json"]
        result = CliRunner().invoke(main, ["index", *map(str, arguments), *place])
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)["judged"]

    assert judged(scans / "clean.png", "--quality", "--encoder", "fake") == 1
    assert judged(scans / "noisy.png", "--no-quality") == 0
    assert judged(scans) == 2


def test_no_quality_and_a_quality_model_exclude_each_other(tmp_path):
    result = CliRunner().invoke(
        main, ["index", str(tmp_path), "--no-quality", "--quality-model", "my.quality"]
    )
    assert result.exit_code == 2
    assert "Give --no-quality or --quality-model, not both." in result.stderr


def test_a_file_that_is_not_a_model_is_refused_before_indexing(scans, tmp_path):
    (tmp_path / "not.quality").write_text("no model")
    arguments = [
        "index",
        scans,
        "--quality-model",
        tmp_path / "not.quality",
        "--library",
        tmp_path / "t.library",
    ]
    result = CliRunner().invoke(main, list(map(str, arguments)))
    assert result.exit_code == 2
    assert "is not a model of quality" in result.stderr
    assert not (tmp_path / "t.library").exists()


@pytest.mark.parametrize("command", ["predict", "explain"])
def test_help_names_the_resolution_that_pages_are_judged_at(command):
    named = re.findall(r"(\d+) dpi|\[default: (\d+)\]\s+\[36<=x", run(command, "--help").stdout)
    assert named == [("", str(DPI))]
