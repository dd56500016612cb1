"""Which languages tesseract reads a picture in."""

from __future__ import annotations

import pytest
from PIL import Image

from maxsight.documents import OcrChoice, ReadSettings
from maxsight.documents.cleaning import OcrWord
from maxsight.documents.ocr import languages, tesseract
from maxsight.documents.ocr.choosing import check_ocr
from maxsight.errors import InputError

PICTURE = Image.new("L", (40, 40))
CYRILLIC = "\u041d\u0430\u043b\u043e\u0433"


@pytest.fixture
def asked(monkeypatch):
    """A stand-in for tesseract that has five languages and is sure of Russian only. It lists what it is asked."""
    asked = []

    def read(_image, names, *, timeout_s):
        asked.append("+".join(names))
        return [[OcrWord(CYRILLIC, (0, 0, 9, 9), 0.94 if "rus" in names else 0.65)]]

    def detect(_image, *, timeout_s):
        asked.append("detect")
        return "Cyrillic"

    monkeypatch.setattr(tesseract, "installed_languages", lambda: ("eng", "chi_sim", "deu", "jpn", "rus"))
    monkeypatch.setattr(tesseract, "read_lines", read)
    monkeypatch.setattr(tesseract, "detect_script", detect)
    return asked


@pytest.mark.parametrize(
    ("given", "script", "expected"),
    [
        ((), None, ["eng+deu", "detect", "rus+eng"]),
        ((), "Cyrillic", ["rus+eng"]),
        ((), languages.UNKNOWN_SCRIPT, ["detect", "rus+eng"]),
        ((), "Thai", ["eng+deu", "detect", "rus+eng"]),
        (("deu", "jpn"), None, ["deu+jpn"]),
    ],
)
def test_the_script_is_detected_where_latin_letters_do_not_fit_and_only_its_languages_are_read(
    asked, given, script, expected
):
    languages.read_lines(PICTURE, given, script, timeout_s=9)
    assert asked == expected


def test_a_sure_reading_in_latin_letters_asks_for_nothing_more(asked, monkeypatch):
    monkeypatch.setattr(
        tesseract,
        "read_lines",
        lambda _image, names, *, timeout_s: asked.append(names) or [[OcrWord("tax", (0, 0, 9, 9), 0.9)]],
    )
    languages.read_lines(PICTURE, (), None, timeout_s=9)
    assert asked == [["eng", "deu"]]


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("Net sales 2024", "Latin"),
        (CYRILLIC, "Cyrillic"),
        ("\u524a\u9664\u306e\u5834\u5408", "Japanese"),
        ("\u6f22\u5b57 abc \u4ee3\u7801", "Han"),
        ("12.5 %", None),
    ],
)
def test_the_script_of_a_text_has_tesseracts_name(text, script):
    assert languages.script_of(text) == script


def test_languages_that_cant_be_read_are_refused_before_any_file_is(asked):
    check_ocr(ReadSettings(ocr=OcrChoice.NEVER))
    with pytest.raises(InputError, match="only tesseract can be told languages"):
        check_ocr(ReadSettings(ocr=OcrChoice.RAPIDOCR, ocr_languages=("deu",)))
    with pytest.raises(InputError, match="no language tha; installed are eng, chi_sim, deu, jpn, rus"):
        languages.check_languages(("deu", "tha"))


@pytest.mark.parametrize(
    ("language", "hint"),
    [
        ("chi_tra", "apt install tesseract-ocr-chi-tra"),
        ("de", "three letters, as deu"),
        ("german", "three letters"),
    ],
)
def test_the_hint_names_a_package_only_if_the_language_may_have_one(asked, language, hint):
    with pytest.raises(InputError) as refused:
        languages.check_languages((language,))
    assert hint in refused.value.hint
