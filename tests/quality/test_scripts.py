"""Pages in scripts that the OCR engine has no language for: a reason, and no number."""

import shutil
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from maxsight.documents import OcrChoice, ReadSettings
from maxsight.documents.ocr import tesseract
from maxsight.documents.ocr.languages import by_script
from maxsight.errors import InputError
from maxsight.quality import scripts
from maxsight.quality.bulk import predict_documents
from maxsight.quality.model_file import load_predictor

needs_tesseract = pytest.mark.skipif(not shutil.which("tesseract"), reason="tesseract is not installed")
TEXTS = {
    "Latin": "The company announces the results of the year and its plans for the future in this report",
    "Cyrillic": "Общество сообщает о результатах работы за год и о планах на будущее в этом отчёте",  # noqa: RUF001
}


def page_in(script):
    """A page of text in a font that has many scripts."""
    font = ImageFont.truetype(Path(mpl.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf", 26)
    words = TEXTS[script].split()
    page = Image.new("L", (1275, 1650), 255)
    for row in range(25):
        line = " ".join(words[(3 * row + n) % len(words)] for n in range(7))
        ImageDraw.Draw(page).text((100, 100 + 50 * row), line, font=font, fill=0)
    return page


@pytest.fixture
def only_english(monkeypatch):
    monkeypatch.setattr(tesseract, "installed_languages", lambda: ("eng",))


@needs_tesseract
def test_a_page_in_a_script_that_ocr_lacks_gets_a_reason_and_no_number(only_english, tmp_path):
    for script in TEXTS:
        page_in(script).save(tmp_path / f"{script}.png")
    settings = ReadSettings(ocr=OcrChoice.TESSERACT)
    judged = predict_documents([tmp_path], load_predictor(), settings, workers=1, check_script=True)
    cyrillic, latin = (page.prediction for page in judged)
    assert not cyrillic.estimates
    assert cyrillic.refusal == "the page is in Cyrillic script, which the OCR engine has no language for"
    assert latin.estimates and latin.refusal is None


@needs_tesseract
def test_the_languages_of_the_engine_decide(monkeypatch):
    picture = np.asarray(page_in("Cyrillic"))
    assert scripts.find_unread_script(picture, OcrChoice.RAPIDOCR) == "Cyrillic"
    monkeypatch.setattr(tesseract, "installed_languages", lambda: ("eng", "rus"))
    assert scripts.find_unread_script(picture, OcrChoice.TESSERACT) is None


@needs_tesseract
def test_a_page_without_a_detected_script_is_not_refused():
    assert scripts.find_unread_script(np.full((800, 600), 255, np.uint8), OcrChoice.TESSERACT) is None


def test_scripts_of_languages():
    assert by_script(["eng", "deu_latf"]) == {"Latin": ["eng", "deu_latf"]}
    assert by_script(["eng", "rus", "jpn"]) == {
        "Latin": ["eng"],
        "Cyrillic": ["rus"],
        "Han": ["jpn"],
        "Japanese": ["jpn"],
    }


def test_without_tesseract_scripts_cant_be_checked(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(InputError, match="detected by tesseract"):
        scripts.find_unread_script(np.zeros((200, 200), np.uint8), OcrChoice.RAPIDOCR)
