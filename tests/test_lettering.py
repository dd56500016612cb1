"""Letters of scripts that Pillow's own font lacks."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from maxsight import lettering
from maxsight.documents.cleaning import find_words
from maxsight.documents.text import layout_text
from maxsight.lettering import Lettering, without_font


def drawn(text, anchor="la", at=(20, 10)):
    image = Image.new("L", (400, 60), 255)
    Lettering(22).write(ImageDraw.Draw(image), at, text, "black", anchor)
    return np.asarray(image)


@pytest.mark.parametrize(
    "text",
    [
        "K\u00e4se",
        "\u0141\u00f3d\u017a",
        "\u041f\u0447\u0435\u043b\u0430",
        "\u65e5\u672c\u8a9e",
        "\u05e9\u05dc\u05d5\u05dd",
    ],
)
def test_each_letter_of_a_script_looks_different(text):
    if without_font(text):
        pytest.skip("no font of this system has these letters")
    pictures = {drawn(letter).tobytes() for letter in text}
    assert len(pictures) == len(set(text))
    assert Lettering(22).length(text) > 20


def test_a_word_is_written_in_one_font():
    if without_font("\u0142"):
        pytest.skip("no font of this system has the letter")
    assert len(Lettering(22)._parts("za\u0142o\u017cy\u0107")) == 1


def test_ascii_looks_as_in_pillows_own_font():
    from PIL import ImageFont

    image = Image.new("L", (400, 60), 255)
    ImageDraw.Draw(image).text((20, 10), "Plain", font=ImageFont.load_default(22), fill="black")
    np.testing.assert_array_equal(drawn("Plain"), np.asarray(image))


def test_a_text_ends_where_its_right_end_is_put():
    for text in ("abc", "\u65e5\u672c"):
        columns = np.flatnonzero((drawn(text, "ra", (200, 10)) < 128).any(axis=0))
        assert 195 - Lettering(22).length(text) < columns.min() < columns.max() < 205


def test_a_character_that_no_font_has_ends_nothing(monkeypatch):
    monkeypatch.setattr(lettering, "_system_fonts", lambda: ())
    monkeypatch.setattr(lettering, "_SERVED", {})
    lettering._font_with.cache_clear()
    try:
        for code in range(0x1240, 0x1280):
            assert lettering._font_with(chr(code)) is None
        assert lettering._MISSED[0x1240 // lettering._BLOCK] == lettering.MAX_MISSED
    finally:
        lettering._font_with.cache_clear()
        lettering._MISSED.clear()


def test_text_without_spaces_is_broken_at_the_end_of_a_line_and_stays_on_the_page():
    text = "\u5c71\u5ddd" * 100
    image, boxes = layout_text(text, find_words(text))
    ink = np.asarray(image.convert("L")) < 128
    assert image.height > 150
    assert not ink[:, -40:].any()
    assert boxes.max() <= 1.0
    rows = np.flatnonzero(ink.any(axis=1))
    top, bottom = boxes[:, 1].min() * image.height, boxes[:, 3].max() * image.height
    assert top <= rows.min() < rows.max() <= bottom
