import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from maxsight.heatmaps.labels import place_labels

SIZE = (60, 20)


def paper(size=(700, 900)):
    return Image.new("RGB", size, "white")


def written_page():
    """Twenty lines of writing without a gap between them, from 100 to 600 across; the margins are empty."""
    page = paper()
    draw = ImageDraw.Draw(page)
    for line in range(20):
        draw.text((100, 200 + 14 * line), "a page of many words " * 30, fill="black")
    draw.rectangle((600, 0, 700, 900), fill="white")
    return page


def overlap(one, other):
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def test_on_empty_paper_a_label_stands_right_above_in_line_with_its_box():
    ((left, top, right, bottom),) = place_labels(paper(), [(200.0, 300.0, 260.0, 320.0)], [SIZE])
    assert (right - left, bottom - top) == SIZE
    assert abs(left - 200) <= 2 and 0 < 300 - bottom <= 6


def test_amid_writing_a_label_goes_to_the_margin_and_covers_nothing():
    page = written_page()
    boxes = [(x, 320.0, x + 40, 334.0) for x in (150.0, 500.0)]
    for (x0, y0, x1, y1), side in zip(place_labels(page, boxes, [SIZE] * 2), ("left", "right"), strict=True):
        under = np.asarray(page.convert("L"))[int(y0) : int(y1), int(x0) : int(x1)]
        assert (under == 255).all()
        assert x1 <= 100 if side == "left" else x0 >= 590


def test_labels_of_one_place_cover_neither_each_other_nor_it():
    box = (0.0, 0.0, 80.0, 30.0)
    labels = place_labels(paper(), [box] * 5, [SIZE] * 5)
    for number, label in enumerate(labels):
        assert not overlap(label, box)
        assert not any(overlap(label, other) for other in labels[:number])


def test_a_label_does_not_fill_the_gap_of_another_line():
    """Right above the box is a row of a table, free where a label fits: it would be read as a cell of it."""
    page, box = paper(), (225.0, 300.0, 265.0, 320.0)
    draw = ImageDraw.Draw(page)
    for x in (110, 290):
        draw.text((x, 275), "$ 17,272,451", fill="black", font=ImageFont.load_default(17))
    (label,) = place_labels(page, [box], [SIZE])
    assert label[3] <= 279 or label[1] >= 294
    assert max(225 - label[2], label[0] - 265, 300 - label[3], label[1] - 320) < 30


@pytest.mark.parametrize("ground", ["white", "black"])
def test_dark_paper_is_no_ink(ground):
    page = Image.new("RGB", (700, 900), ground)
    (label,) = place_labels(page, [(200.0, 300.0, 260.0, 320.0)], [SIZE])
    assert label[3] <= 300 and 300 - label[3] <= 6


def test_a_label_larger_than_its_page_is_left_out():
    assert place_labels(paper((50, 400)), [(5.0, 5.0, 20.0, 20.0)], [SIZE]) == [None]
