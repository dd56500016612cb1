from __future__ import annotations

import shutil
import socket
import sys

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from maxsight.documents import Limits, OcrChoice, PageRead, ReadJob, ReadSettings, read_documents
from maxsight.documents.ocr import tesseract
from maxsight.documents.ocr.choosing import choose_engine, is_blank, read_image
from maxsight.errors import InputError
from maxsight.notices import Notices
from maxsight.types import TextSource
from pdf_files import ink_under

ENGINES = [
    pytest.param(
        OcrChoice.TESSERACT,
        marks=pytest.mark.skipif(not shutil.which("tesseract"), reason="tesseract is not installed"),
    ),
    OcrChoice.RAPIDOCR,
]

LINES = ["The library keeps every page it", "has read, together with boxes", "that show where the words are."]
WORDS = " ".join(LINES).split()


def picture_of(blocks: list[tuple[int, int, list[str]]], size: tuple[int, int] = (1000, 700)) -> Image.Image:
    image = Image.new("RGB", size, "white")
    pen, font = ImageDraw.Draw(image), ImageFont.load_default(36)
    for x, y, lines in blocks:
        for row, line in enumerate(lines):
            pen.text((x, y + 54 * row), line, fill="black", font=font)
    return image


@pytest.mark.parametrize("choice", ENGINES)
@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_a_page_is_read_whichever_way_up_it_lies(choice, degrees):
    image = picture_of([(80, 100, LINES)]).rotate(-degrees, expand=True)
    reading = read_image(image, ReadSettings(ocr=choice))
    assert reading.text == "\n".join(LINES)
    assert reading.source is TextSource(choice.value)
    assert min(ink_under(image, box) for box in reading.words.boxes) > 0.05
    library = reading.words.boxes[WORDS.index("library")]
    x, y = (library[0] + library[2]) / 2, (library[1] + library[3]) / 2
    along, across = {0: (x, y), 90: (y, 1 - x), 180: (1 - x, 1 - y), 270: (1 - y, x)}[degrees]
    assert along == pytest.approx(0.19, abs=0.03)
    assert across == pytest.approx(0.17, abs=0.03)


@pytest.mark.parametrize("choice", ENGINES)
def test_columns_of_prose_are_read_one_after_the_other(choice):
    title = ["A title across both of the columns"]
    left = [
        "The first column holds",
        "four lines of text that",
        "are read before those",
        "of its right neighbour.",
    ]
    right = [
        "Another column starts",
        "at the same height as",
        "the first, but belongs",
        "after the last of it.",
    ]
    image = picture_of([(200, 60, title), (60, 200, left), (560, 200, right)], size=(1020, 500))
    assert read_image(image, ReadSettings(ocr=choice)).text.split("\n") == title + left + right


def test_a_table_is_read_row_by_row():
    cells = [
        (80, 100, ["Sales", "Costs", "Income"]),
        (500, 100, ["1,204", "987", "217"]),
        (800, 100, ["7%", "3%", "9%"]),
    ]
    reading = read_image(picture_of(cells), ReadSettings(ocr=OcrChoice.RAPIDOCR))
    assert reading.text.split() == "Sales 1,204 7% Costs 987 3% Income 217 9%".split()


@pytest.mark.parametrize("choice", ENGINES)
def test_a_picture_without_words_has_none(choice):
    image = Image.new("RGB", (300, 300), "white")
    ImageDraw.Draw(image).rectangle((100, 100, 200, 200), fill="navy")
    assert len(read_image(image, ReadSettings(ocr=choice)).words) == 0


def test_a_blank_picture_is_not_read_at_all():
    assert is_blank(Image.new("RGB", (5, 5), "teal"))
    assert not is_blank(Image.fromarray(np.eye(5, dtype=np.uint8)).convert("RGB"))
    assert read_image(Image.new("RGB", (1, 1)), ReadSettings(ocr=OcrChoice.AUTO)).source is TextSource.NONE


def test_rapidocr_needs_no_network(monkeypatch):
    def refuse(*_: object) -> None:
        raise AssertionError("something wanted the network")

    from maxsight.documents.ocr import rapid

    rapid._engine.cache_clear()
    monkeypatch.setattr(socket.socket, "connect", refuse)
    image = picture_of([(80, 100, ["offline"])], size=(400, 300))
    assert read_image(image, ReadSettings(ocr=OcrChoice.RAPIDOCR)).text == "offline"


@pytest.mark.skipif(not shutil.which("tesseract"), reason="tesseract is not installed")
def test_tesseract_is_preferred_and_stopped_when_it_takes_too_long():
    assert choose_engine(OcrChoice.AUTO) is TextSource.TESSERACT
    settings = ReadSettings(ocr=OcrChoice.TESSERACT, limits=Limits(page_timeout_s=0.01))
    with pytest.raises(InputError, match=r"tesseract took longer than 0.01 s"):
        read_image(picture_of([(80, 100, LINES)]), settings)


MANY = ["afr", "cat", "dan", "deu", "eng", "fra", "ita", "spa", "swe"]


@pytest.fixture
def install(monkeypatch, tmp_path):
    """Puts a stand-in for tesseract in its place, which has the languages it is given and reads one word."""
    if sys.platform == "win32":
        pytest.skip("the stand-in for tesseract is a shell script")

    def put(languages):
        program = tmp_path / "bin" / "tesseract"
        program.parent.mkdir()
        columns = "level page_num block_num par_num line_num word_num left top width height conf text".split()
        word = [5, 1, 1, 1, 1, 1, 10, 10, 40, 20, 90, "word"]
        lines = ["if [ $1 = --list-langs ]; then", "echo 'List of available languages:'"]
        lines += [f"echo {name}" for name in languages] + ["else", "cat >/dev/null"]
        lines += [f"printf '%s\\n' '{chr(9).join(map(str, row))}'" for row in (columns, word)]
        program.write_text("\n".join(["#!/bin/sh", *lines, "fi", ""]))
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
        tesseract.installed_languages.cache_clear()

    yield put
    tesseract.installed_languages.cache_clear()


def test_english_comes_first_and_models_of_vertical_writing_are_left_out(install):
    install(["chi_tra_vert", "deu", "eng", "jpn_vert", "osd", "script/Latin", "uzb_cyrl"])
    assert tesseract.installed_languages() == ("eng", "deu", "uzb_cyrl")


def test_without_a_list_of_languages_english_is_tried(install):
    install([])
    assert tesseract.installed_languages() == ("eng",)


@pytest.mark.parametrize("installed", [MANY, MANY[1:]])
def test_a_user_with_more_languages_than_are_read_learns_which_one_is(install, tmp_path, installed):
    install(installed)
    for name in ("first", "second"):
        picture_of([(80, 100, LINES)]).save(tmp_path / f"{name}.png")
    jobs = [ReadJob(tmp_path / f"{name}.png", name=name) for name in ("first", "second")]
    notices = Notices(lambda _: None)
    events = read_documents(jobs, ReadSettings(ocr=OcrChoice.TESSERACT), workers=1, notices=notices)
    assert [event.page.text for event in events if isinstance(event, PageRead)] == ["word", "word"]
    message = "OCR read only the language eng of the 9 in Latin letters that tesseract has installed (first, second)"
    noticed = list(notices.events())
    assert [notice.message for notice in noticed] == ([message] if installed == MANY else [])
    assert all("--ocr-language" in notice.hint for notice in noticed)


def test_without_tesseract_rapidocr_reads(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert choose_engine(OcrChoice.AUTO) is TextSource.RAPIDOCR
    assert choose_engine(OcrChoice.NONE) is TextSource.NONE
    with pytest.raises(InputError, match="not installed"):
        choose_engine(OcrChoice.TESSERACT)
