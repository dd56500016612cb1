"""Drawings made of lines, circles and polygons."""

from __future__ import annotations

from math import cos, radians, sin

from sample_set.layout import AMBER, GREY, INK, NAVY, PALE, RED, TEAL, WHITE, Color, Sheet


def blade(x: float, y: float, length: float, degrees: float) -> list[tuple[float, float]]:
    """Outline of one rotor blade from the hub at (x, y); 0 degrees points up, clockwise."""
    along = sin(radians(degrees)), -cos(radians(degrees))
    across = -along[1], along[0]
    outline = [(0.0, -0.025), (0.18, -0.05), (1.0, 0.0), (0.2, 0.035), (0.0, 0.025)]
    return [
        (x + length * (a * along[0] + b * across[0]), y + length * (a * along[1] + b * across[1]))
        for a, b in outline
    ]


def turbine(sheet: Sheet, x: float, base: float, height: float, turn: float, color: Color = WHITE) -> None:
    """Draw a wind turbine standing at (x, base), its rotor turned by ``turn`` degrees."""
    hub, foot, top = base - height, height * 0.022, height * 0.012
    sheet.set_fill_color(*color)
    sheet.polygon([(x - foot, base), (x + foot, base), (x + top, hub), (x - top, hub)], style="F")
    for third in range(3):
        sheet.polygon(blade(x, hub, height * 0.6, turn + 120 * third), style="F")
    sheet.circle(x, hub, height * 0.025, style="F")


def hills(sheet: Sheet, top: float, bottom: float, color: Color, phase: float, swell: float = 7.0) -> None:
    """Fill a rolling ridge across the whole page."""
    ridge = [
        (x, top + swell * sin(x / 34 + phase) + swell * 0.4 * sin(x / 13 + 2 * phase))
        for x in range(0, int(sheet.w) + 3, 2)
    ]
    sheet.set_fill_color(*color)
    sheet.polygon([(0, bottom), *ridge, (sheet.w + 2, bottom)], style="F")


def labelled_box(
    sheet: Sheet, x: float, y: float, width: float, height: float, text: str, color: Color
) -> None:
    """Draw a rounded box with centred text, one line per line break."""
    sheet.set_fill_color(*WHITE)
    sheet.set_draw_color(*color)
    sheet.set_line_width(0.6)
    sheet.rect(x, y, width, height, style="DF", round_corners=True, corner_radius=2.5)
    lines = text.split("\n")
    start = y + height / 2 - len(lines) * 2.3
    for number, line in enumerate(lines):
        sheet.text_at(
            x, start + 4.6 * number, line, size=9, style="B" if number == 0 else "", align="C", width=width
        )


def arrow(sheet: Sheet, start: tuple[float, float], end: tuple[float, float], color: Color = INK) -> None:
    """Draw an arrow along one axis."""
    sheet.stroke([start, end], color, 0.9)
    (x0, y0), (x1, y1) = start, end
    dx, dy = (x1 > x0) - (x1 < x0), (y1 > y0) - (y1 < y0)
    back_x, back_y = x1 - 3 * dx, y1 - 3 * dy
    sheet.set_fill_color(*color)
    sheet.polygon(
        [(x1, y1), (back_x - 1.6 * dy, back_y - 1.6 * dx), (back_x + 1.6 * dy, back_y + 1.6 * dx)], style="F"
    )


def heat_pump(sheet: Sheet, x: float, y: float, width: float) -> None:
    """Draw the outdoor unit of a heat pump, seen from the front."""
    height = width * 0.78
    sheet.block(x + 6, y + height, 10, 4, GREY)
    sheet.block(x + width - 16, y + height, 10, 4, GREY)
    sheet.set_fill_color(*PALE)
    sheet.set_draw_color(*NAVY)
    sheet.set_line_width(0.8)
    sheet.rect(x, y, width, height, style="DF", round_corners=True, corner_radius=4)
    centre_x, centre_y, radius = x + width * 0.37, y + height * 0.5, height * 0.38
    sheet.set_fill_color(*WHITE)
    sheet.circle(centre_x, centre_y, radius, style="DF")
    sheet.set_line_width(0.25)
    for ring in range(1, 6):
        sheet.circle(centre_x, centre_y, radius * ring / 6, style="D")
    sheet.set_fill_color(*TEAL)
    for third in range(3):
        sheet.polygon(blade(centre_x, centre_y, radius * 0.9, 40 + 120 * third), style="F")
    sheet.set_fill_color(*NAVY)
    sheet.circle(centre_x, centre_y, radius * 0.14, style="F")
    panel = x + width * 0.76
    for slot in range(9):
        sheet.block(panel, y + height * 0.42 + slot * 4.0, width * 0.17, 1.4, GREY)
    sheet.block(panel, y + height * 0.14, width * 0.17, height * 0.16, NAVY)
    sheet.text_at(panel, y + height * 0.185, "35 \xb0C", size=11, style="B", color=AMBER, align="C",
                  width=width * 0.17)  # fmt: skip
    sheet.set_fill_color(*RED)
    sheet.circle(panel + width * 0.085, y + height * 0.355, 1.3, style="F")
