"""Bar and line charts drawn with fpdf2's own lines and rectangles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sample_set.layout import AMBER, GREY, NAVY, TEAL, Color, Sheet

SERIES_COLORS: tuple[Color, ...] = (TEAL, AMBER, NAVY, (140, 160, 175), (150, 90, 130))
GRID: Color = (214, 220, 225)


@dataclass(frozen=True)
class Scale:
    """The plotting area and its value axis.

    Attributes:
        x, y, width, height: The plotting area in millimetres, origin top left.
        low, high: Values at its bottom and top.
    """

    x: float
    y: float
    width: float
    height: float
    low: float
    high: float

    def y_of(self, value: float) -> float:
        """Height on the page at which a value is drawn."""
        return self.y + self.height * (self.high - value) / (self.high - self.low)


def axes(
    sheet: Sheet, title: str, unit: str, names: Sequence[str], ticks: Sequence[float], height: float
) -> Scale:
    """Draw title, legend, grid and value labels at the current position; return the plotting area."""
    left, top = sheet.l_margin, sheet.y
    sheet.text_at(left, top, f"{title} ({unit})", size=10, style="B", width=sheet.epw)
    legend_x = left
    for name, color in zip(names, SERIES_COLORS, strict=False):
        sheet.block(legend_x, top + 6.6, 3, 3, color)
        sheet.text_at(legend_x + 4.2, top + 6.4, name, size=8, color=GREY, width=50)
        legend_x += 4.2 + sheet.get_string_width(name) + 6
    scale = Scale(left + 11, top + 14, sheet.epw - 11, height, min(ticks), max(ticks))
    for tick in ticks:
        y = scale.y_of(tick)
        sheet.stroke([(scale.x, y), (scale.x + scale.width, y)], GRID, 0.2)
        sheet.text_at(left, y - 1.6, f"{tick:g}", size=7.5, color=GREY, align="R", width=9)
    return scale


def _category_labels(sheet: Sheet, scale: Scale, categories: Sequence[str]) -> None:
    step = scale.width / len(categories)
    for number, category in enumerate(categories):
        y = scale.y + scale.height + 1.5
        sheet.text_at(scale.x + number * step, y, category, size=7.5, color=GREY, align="C", width=step)
    sheet.set_xy(sheet.l_margin, scale.y + scale.height + 8)


def bar_chart(
    sheet: Sheet,
    title: str,
    unit: str,
    categories: Sequence[str],
    series: Mapping[str, Sequence[float]],
    ticks: Sequence[float],
    *,
    height: float = 55.0,
    stacked: bool = False,
    labels: bool = False,
) -> None:
    """Draw bars, side by side or stacked, one color per series; ``labels`` writes values over single bars."""
    scale = axes(sheet, title, unit, list(series), ticks, height)
    step = scale.width / len(categories)
    bar = step * (0.5 if stacked else 0.72 / len(series))
    floor = [0.0] * len(categories)
    for order, (values, color) in enumerate(zip(series.values(), SERIES_COLORS, strict=False)):
        for number, value in enumerate(values):
            x = scale.x + number * step + (step - bar * (1 if stacked else len(series))) / 2
            x += 0 if stacked else order * bar
            top = scale.y_of(floor[number] + value)
            sheet.block(x, top, bar * (1 if stacked else 0.92), scale.y_of(floor[number]) - top, color)
            if labels:
                sheet.text_at(x - 5, top - 4, f"{value:g}", size=7.5, align="C", width=bar + 10)
            floor[number] += value if stacked else 0
    _category_labels(sheet, scale, categories)


def line_chart(
    sheet: Sheet,
    title: str,
    unit: str,
    categories: Sequence[str],
    series: Mapping[str, Sequence[float]],
    ticks: Sequence[float],
    *,
    height: float = 55.0,
) -> None:
    """Draw one line with dots per series."""
    scale = axes(sheet, title, unit, list(series), ticks, height)
    step = scale.width / len(categories)
    for values, color in zip(series.values(), SERIES_COLORS, strict=False):
        points = [(scale.x + (n + 0.5) * step, scale.y_of(value)) for n, value in enumerate(values)]
        sheet.stroke(points, color, 0.7)
        sheet.set_fill_color(*color)
        for x, y in points:
            sheet.circle(x, y, 0.9, style="F")
    _category_labels(sheet, scale, categories)
