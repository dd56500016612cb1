"""Large pictures are read in parts, and nothing is lost or doubled at the seams."""

from __future__ import annotations

import re

import pytest
from PIL import Image, ImageDraw, ImageFont

from maxsight.documents import OcrChoice, ReadSettings
from maxsight.documents.cleaning import OcrWord
from maxsight.documents.ocr.choosing import read_image
from maxsight.documents.ocr.tiles import OVERLAP_PX, read_in_tiles


def numbered(count: int, x: int = 60, y: int = 40) -> list[tuple[int, int, str]]:
    return [(x, y + 60 * row, f"line {row + 101} of the log") for row in range(count)]


def picture(texts: list[tuple[int, int, str]], size: tuple[int, int]) -> Image.Image:
    image = Image.new("RGB", size, "white")
    pen, font = ImageDraw.Draw(image), ImageFont.load_default(30)
    for x, y, text in texts:
        pen.text((x, y), text, fill="black", font=font)
    return image


def test_every_line_of_a_long_screenshot_is_read_once_and_in_order():
    texts = numbered(50)
    reading = read_image(picture(texts, (600, 3100)), ReadSettings(ocr=OcrChoice.RAPIDOCR))
    assert re.findall(r"line ?(\d+)", reading.text) == [str(101 + row) for row in range(50)]


def test_two_columns_of_a_long_page_are_read_one_after_the_other():
    left, right = numbered(48), [(520, y, text.replace("line 1", "line 5")) for _, y, text in numbered(48)]
    reading = read_image(picture([*left, *right], (920, 3000)), ReadSettings(ocr=OcrChoice.RAPIDOCR))
    numbers = list(map(int, re.findall(r"line ?(\d+)", reading.text)))
    assert numbers == [101 + row for row in range(48)] + [501 + row for row in range(48)]


@pytest.mark.parametrize("side_px", [900, 1300])
def test_a_line_over_a_seam_is_one_line_whose_words_have_their_places(side_px):
    """A stand-in for an engine finds the words that lie whole within the tile it is given, and halves of the others."""
    words = [
        (40 + 160 * column, 60 + 100 * row, f"w{row}x{column}") for row in range(20) for column in range(14)
    ]
    image = picture(words, (2400, 2100))
    places = {text: (x, y, x + 110, y + 40) for x, y, text in words}

    class Tile:
        def __init__(self, left, top, right, bottom):
            self.box = (left, top, right, bottom)

    tiles = []
    crop = image.crop

    def cut(box):
        tiles.append(box)
        return crop(box)

    image.crop = cut

    def read(_tile):
        left, top, right, bottom = tiles[-1]
        lines = []
        for row in range(20):
            line = []
            for column in range(14):
                x0, y0, x1, y1 = places[f"w{row}x{column}"]
                if x1 > left and x0 < right and y1 > top and y0 < bottom:
                    is_whole = x0 >= left and x1 <= right and y0 >= top and y1 <= bottom
                    box = (
                        max(x0, left) - left,
                        max(y0, top) - top,
                        min(x1, right) - left,
                        min(y1, bottom) - top,
                    )
                    line.append(OcrWord(f"w{row}x{column}" if is_whole else "half", box, 0.9))
            if line:
                lines.append(line)
        return lines

    lines = read_in_tiles(image, read, side_px)
    assert len(tiles) > 4
    assert OVERLAP_PX < side_px
    assert sorted([word.text for word in line] for line in lines) == sorted(
        [f"w{row}x{column}" for column in range(14)] for row in range(20)
    )
    assert all(word.box_px == places[word.text] for line in lines for word in line)
