"""The colours of an explanation: the same on every picture, and shown by a legend."""

import numpy as np
import pytest

from maxsight.quality.features import PageVectors
from maxsight.quality.heat_picture import FOOT_PX, MARGIN_PX, PAGE_HEIGHT_PX, blend_heat, draw_heat

WHITE = np.full((200, 150), 255, np.uint8)
HALVES = PageVectors(np.zeros((2, 1), np.float32), np.float32([[0, 0, 1, 0.5], [0, 0.5, 1, 1]]))


def colours(top, bottom, picture=WHITE):
    """Colours in the middle of both halves of a page with these error rates."""
    sheet = np.asarray(draw_heat(picture, HALVES, np.array([top, bottom]), "a title", "CER"), int)
    across = sheet.shape[1] // 2
    return sheet[PAGE_HEIGHT_PX // 4, across], sheet[3 * PAGE_HEIGHT_PX // 4, across]


def test_one_colour_stands_for_one_error_rate_on_every_page():
    alone, _ = colours(0.25, 0.0)
    beside_worse, _ = colours(0.25, 1.0)
    np.testing.assert_array_equal(alone, beside_worse)


def test_an_error_rate_of_zero_is_not_drawn():
    nothing, _ = colours(0.0, 1.0)
    np.testing.assert_array_equal(nothing, [255, 255, 255])


@pytest.mark.parametrize("rate", [0.1, 0.5, 1.0])
def test_the_legend_shows_the_colours_of_the_page(rate):
    drawn, _ = colours(rate, 0.0)
    sheet = np.asarray(draw_heat(WHITE, HALVES, np.array([rate, 0.0]), "a title", "CER"), int)
    (row,) = [PAGE_HEIGHT_PX + FOOT_PX // 2]
    in_bar = np.flatnonzero(np.abs(sheet[row] - drawn).max(axis=1) <= 3)
    frame = np.flatnonzero(
        (np.abs(sheet[row] - [32, 33, 36]).max(axis=1) == 0) & (np.arange(sheet.shape[1]) > MARGIN_PX)
    )
    left, right = frame[-2] + 1, frame[-1] - 1
    assert len(in_bar) and np.abs((in_bar - left) / (right - left) - rate).min() < 0.01


def test_a_higher_error_rate_is_darker():
    paper = np.full((11, 3), 255, np.float32)
    luminance = blend_heat(paper, np.linspace(0, 1, 11)) @ [0.299, 0.587, 0.114]
    assert (np.diff(luminance) < 0).all()
