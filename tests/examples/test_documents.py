"""The committed sample documents are what their script makes, and the sample questions have answers in them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pypdfium2 as pdfium
import pytest
from PIL import Image

from maxsight.documents.base import ReadSettings
from maxsight.documents.ocr.choosing import read_image
from maxsight.evaluation.datasets import Question, load_questions

EXAMPLES = Path(__file__).parents[2] / "examples"
DOCUMENTS = EXAMPLES / "documents"
QUESTIONS = load_questions(EXAMPLES / "queries.jsonl")
ANSWERS = {
    record["query_id"]: record["answer"]
    for record in map(json.loads, (EXAMPLES / "queries.jsonl").read_text(encoding="utf-8").splitlines())
}
SCAN = "ness-field-lease-scan.pdf"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder the script has just written."""
    folder = tmp_path_factory.mktemp("documents")
    script = EXAMPLES / "make_documents.py"
    subprocess.run([sys.executable, script, "--out", folder], check=True, capture_output=True)
    return folder


def pdfs() -> list[Path]:
    return sorted(DOCUMENTS.glob("*.pdf"))


def page_texts(path: Path) -> list[str]:
    with pdfium.PdfDocument(path) as document:
        return [" ".join(page.get_textpage().get_text_range().split()) for page in document]


def page_pictures(path: Path, scale: float) -> list[Image.Image]:
    if path.suffix != ".pdf":
        return [Image.open(path).convert("L")]
    with pdfium.PdfDocument(path) as document:
        return [page.render(scale=scale, grayscale=True).to_pil() for page in document]


def text_of(question: Question) -> str:
    path = DOCUMENTS / question.file
    if path.suffix == ".md":
        return path.read_text(encoding="utf-8")
    if path.suffix == ".pdf" and path.name != SCAN:
        texts = page_texts(path)
        return " ".join(texts[index] for index in question.page_indices)
    pictures = page_pictures(path, scale=200 / 72)
    return " ".join(
        read_image(pictures[i].convert("RGB"), ReadSettings()).text for i in question.page_indices
    )


def key_words(text: str) -> set[str]:
    """Numbers, and words long enough to mean something."""
    words = re.findall(r"\w+(?:[.,]\d+)*", text.lower())
    return {word for word in words if len(word) > 4 or any(letter.isdigit() for letter in word)}


def is_picture(question: Question) -> bool:
    return question.file == SCAN or question.file.endswith((".png", ".jpg"))


def test_the_set_is_small_and_has_every_kind_of_page():
    files = list(DOCUMENTS.iterdir())
    assert len(pdfs()) >= 4
    assert sum(len(page_texts(path)) for path in pdfs()) >= 25
    assert {path.suffix for path in files} == {".pdf", ".png", ".jpg", ".md"}
    assert sum(path.stat().st_size for path in files) < 1_500_000


def test_the_committed_files_are_the_ones_the_script_makes(made: Path):
    names = {path.name for path in DOCUMENTS.iterdir()}
    assert {path.name for path in made.iterdir()} == names


@pytest.mark.parametrize("path", pdfs(), ids=lambda path: path.name)
def test_the_committed_pages_say_what_the_script_writes(made: Path, path: Path):
    assert page_texts(path) == page_texts(made / path.name)


@pytest.mark.parametrize("name", [SCAN, "open-day-poster.png", "whiteboard.jpg"])
def test_the_committed_pictures_look_like_what_the_script_draws(made: Path, name: str):
    committed, drawn = (page_pictures(folder / name, scale=0.5) for folder in (DOCUMENTS, made))
    assert len(committed) == len(drawn)
    for one, other in zip(committed, drawn, strict=True):
        small = [np.asarray(picture.resize((60, 80)), dtype=np.float32) for picture in (one, other)]
        assert np.abs(small[0] - small[1]).mean() < 2.0  # of 255: a new library may smooth edges otherwise


def test_the_committed_notes_are_the_ones_the_script_writes(made: Path):
    name = "control-room-notes.md"
    assert (DOCUMENTS / name).read_text(encoding="utf-8") == (made / name).read_text(encoding="utf-8")


def test_a_second_run_writes_the_same_bytes(made: Path, tmp_path: Path):
    subprocess.run(
        [sys.executable, EXAMPLES / "make_documents.py", "--out", tmp_path], check=True, capture_output=True
    )
    for path in made.iterdir():
        assert (tmp_path / path.name).read_bytes() == path.read_bytes(), path.name


def test_the_scanned_letter_has_no_text_layer():
    assert page_texts(DOCUMENTS / SCAN) == ["", "", ""]


def test_the_wide_table_is_on_a_rotated_page():
    with pdfium.PdfDocument(DOCUMENTS / "annual-report-2024.pdf") as report:
        rotations = [page.get_rotation() for page in report]
        width_pt, height_pt = report[9].get_size()
    assert rotations == [0] * 9 + [90]
    assert width_pt > height_pt


def test_every_document_is_named_in_the_readme():
    readme = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    assert [path.name for path in DOCUMENTS.iterdir() if f"`{path.name}`" not in readme] == []


def test_the_questions_cover_every_document():
    assert {question.file for question in QUESTIONS} == {path.name for path in DOCUMENTS.iterdir()}


@pytest.mark.parametrize(
    "question",
    [
        question if not is_picture(question) else pytest.param(question, marks=pytest.mark.slow)
        for question in QUESTIONS
    ],
    ids=lambda question: question.query_id,
)
def test_the_evidence_pages_hold_the_answer(question: Question):
    answer = ANSWERS[question.query_id]
    assert key_words(answer) - key_words(text_of(question)) == set()
