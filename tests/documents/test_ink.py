"""Lines of text are found where they are drawn, on light and on dark paper."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from maxsight.documents.ink import lines_outside


@pytest.mark.parametrize("is_dark", [False, True])
@pytest.mark.parametrize("place", [(2, 2), (200, 400), (330, 770)])
def test_a_line_is_found_at_its_place(place, is_dark):
    page = Image.new("L", (612, 792), 255)
    pen, font = ImageDraw.Draw(page), ImageFont.load_default(12)
    pen.text(place, "All that is drawn on a page is looked at", fill=0, font=font)
    pen.rectangle((20, 100, 590, 700), outline=0)
    drawn = np.array(pen.textbbox(place, "All that is drawn on a page is looked at", font=font))
    look = np.asarray(page)
    (found,) = lines_outside(255 - look if is_dark else look, np.zeros((0, 4), np.float32))
    assert found * [612, 792, 612, 792] == pytest.approx(drawn, abs=2.5)


@pytest.mark.parametrize("shape", [(1, 1), (4, 1), (1, 4), (1, 3000), (3000, 1)])
@pytest.mark.parametrize("paper", [0, 255])
def test_no_line_is_found_on_paper_without_ink_of_any_size(shape, paper):
    look = np.full(shape, paper, np.uint8)
    assert lines_outside(look, np.zeros((0, 4), np.float32)).shape == (0, 4)
