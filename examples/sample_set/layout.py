"""A page with headings, paragraphs, tables and frames, on top of fpdf2.

Every page is laid out by hand: nothing flows on to the next page, and text that does not fit is an error,
so that page numbers in ``queries.jsonl`` stay true. Lengths are millimetres.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

from fpdf import FPDF

Color = tuple[int, int, int]

NAVY: Color = (23, 48, 77)
TEAL: Color = (15, 118, 130)
AMBER: Color = (217, 140, 33)
RED: Color = (178, 52, 44)
GREEN: Color = (74, 128, 72)
GREY: Color = (105, 114, 124)
PALE: Color = (237, 243, 246)
INK: Color = (32, 36, 42)
WHITE: Color = (255, 255, 255)

MADE_ON = datetime(2025, 3, 14, 9, 0, tzinfo=UTC)
MARGIN = 20.0
BODY_PT = 10.0
LINE = 5.0
CELL_PADDING = 1.5


class Sheet(FPDF):
    """An A4 document in one accent color.

    Args:
        title: Document title, for the metadata and the running header.
        footer: Left half of the footer; the page number stands right.
        accent: Color of headings, rules and table heads.
        family: ``"Helvetica"`` or ``"Times"`` for the body.
        lang: Language tag of the text.
    """

    def __init__(
        self, title: str, footer: str, *, accent: Color = TEAL, family: str = "Helvetica", lang: str = "en-GB"
    ) -> None:
        super().__init__(format="A4")
        self.footer_text = footer
        self.accent, self.family = accent, family
        self.page_word = "Seite" if lang.startswith("de") else "Page"
        self.set_title(title)
        self.set_author(footer)
        self.set_lang(lang)
        self.set_creation_date(MADE_ON)
        self.set_margins(MARGIN, MARGIN, MARGIN)
        self.set_auto_page_break(False)
        self.c_margin = 0

    def start_page(self, *, bare: bool = False) -> None:
        """Begin a page with its running title and page number; a bare one (a cover) has neither."""
        self.add_page()
        if bare:
            return
        foot = self.h - 13
        self.text_at(MARGIN, 11, self.title, size=8, color=GREY)
        self.stroke([(MARGIN, 16.5), (self.w - MARGIN, 16.5)], (205, 212, 218), 0.2)
        self.text_at(MARGIN, foot, self.footer_text, size=8, color=GREY)
        self.text_at(MARGIN, foot, f"{self.page_word} {self.page_no()}", size=8, color=GREY, align="R")
        self.set_xy(MARGIN, 23)

    # Single marks, at a place.

    def text_at(
        self,
        x: float,
        y: float,
        text: str,
        *,
        size: float = BODY_PT,
        style: str = "",
        color: Color = INK,
        align: str = "L",
        width: float | None = None,
    ) -> None:
        """Write one line whose top is at ``y``, within ``width`` from ``x`` (default: to the right margin)."""
        self.set_font(self.family, style, size)
        self.set_text_color(*color)
        self.set_xy(x, y)
        self.cell(self.w - self.r_margin - x if width is None else width, size * 0.42, text, align=align)

    def stroke(self, points: Sequence[tuple[float, float]], color: Color, thickness: float = 0.3) -> None:
        """Draw a line through points."""
        self.set_draw_color(*color)
        self.set_line_width(thickness)
        self.polyline(points)

    def block(self, x: float, y: float, width: float, height: float, color: Color) -> None:
        """Fill a rectangle."""
        self.set_fill_color(*color)
        self.rect(x, y, width, height, style="F")

    # Flowing text, in the current frame.

    @contextmanager
    def frame(self, x: float, y: float, width: float) -> Iterator[None]:
        """Let everything inside flow from (x, y) at this width."""
        margins = self.l_margin, self.r_margin
        self.set_margins(x, self.t_margin, self.w - x - width)
        self.set_xy(x, y)
        yield
        below = self.y
        self.set_margins(margins[0], self.t_margin, margins[1])
        self.set_xy(margins[0], below)

    @contextmanager
    def half(self, column: int, y: float, gutter: float = 8.0) -> Iterator[None]:
        """Let everything inside flow in the left (0) or right (1) column, from ``y``."""
        width = (self.epw - gutter) / 2
        with self.frame(self.l_margin + column * (width + gutter), y, width):
            yield

    def heading(self, text: str, level: int = 1) -> None:
        """Write a heading; level 1 opens a page, 2 a section, 3 a paragraph."""
        size, before, after = {1: (19.0, 0.0, 4.0), 2: (12.5, 3.0, 1.8), 3: (10.0, 1.2, 0.6)}[level]
        self.ln(before)
        self.set_font(self.family, "B", size)
        self.set_text_color(*(self.accent if level < 3 else INK))
        self.multi_cell(self.epw, size * 0.45, text, align="L", new_x="LMARGIN", new_y="NEXT")
        self.ln(after)
        self._must_fit()

    def paragraph(
        self, text: str, *, size: float = BODY_PT, style: str = "", color: Color = INK, align: str = "L"
    ) -> None:
        """Write a paragraph; line breaks in ``text`` are mere layout of the source."""
        self.set_font(self.family, style, size)
        self.set_text_color(*color)
        line = LINE * size / BODY_PT
        self.multi_cell(self.epw, line, " ".join(text.split()), align=align, new_x="LMARGIN", new_y="NEXT")
        self.ln(line * 0.45)
        self._must_fit()

    def bullets(self, items: Sequence[str], *, size: float = BODY_PT, numbered: bool = False) -> None:
        """Write a list."""
        line = LINE * size / BODY_PT
        for number, item in enumerate(items, start=1):
            top = self.y
            mark = f"{number}." if numbered else "\x95"
            self.text_at(self.l_margin, top + 0.4, mark, size=size, color=self.accent, width=6)
            self.set_font(self.family, "", size)
            self.set_text_color(*INK)
            self.set_xy(self.l_margin + 6, top)
            self.multi_cell(self.epw - 6, line, item, align="L", new_x="LMARGIN", new_y="NEXT")
            self.ln(line * 0.25)
        self.ln(line * 0.25)
        self._must_fit()

    def callout(self, title: str, text: str, *, color: Color = AMBER) -> None:
        """Write a box with a colored edge."""
        left, top, width = self.l_margin, self.y + 1, self.epw
        self.set_font(self.family, "", 9.4)
        lines = self.multi_cell(width - 10, LINE, " ".join(text.split()), dry_run=True, output="LINES")
        height = LINE * 0.94 * len(lines) + 13
        self.block(left, top, width, height, PALE)
        self.block(left, top, 1.6, height, color)
        self.text_at(left + 5, top + 3.2, title, size=10, style="B", color=color, width=width - 10)
        with self.frame(left + 5, top + 9, width - 10):
            self.paragraph(text, size=9.4)
        self.set_xy(left, top + height + 4)
        self._must_fit()

    def data_table(
        self,
        head: Sequence[str],
        rows: Sequence[Sequence[str]],
        shares: Sequence[float],
        *,
        size: float = 9.0,
        numbers_from: int = 1,
        last_is_total: bool = False,
    ) -> None:
        """Draw a table; cells wrap, columns from ``numbers_from`` on are set flush right.

        Args:
            head: Column heads.
            rows: Cells, row by row.
            shares: Width of each column, in proportion.
            size: Type size in points.
            numbers_from: Index of the first column of numbers.
            last_is_total: The last row is a sum: bold, ruled off.
        """
        widths = [self.epw * share / sum(shares) for share in shares]
        aligns = ["R" if column >= numbers_from else "L" for column in range(len(head))]
        left, line = self.l_margin, size * 0.46
        self.c_margin = CELL_PADDING
        for number, row in enumerate([head, *rows]):
            is_head, is_total = number == 0, last_is_total and number == len(rows)
            self.set_font(self.family, "B" if is_head or is_total else "", size)
            wrapped = [
                self.multi_cell(width, line, cell, dry_run=True, output="LINES")
                for width, cell in zip(widths, row, strict=True)
            ]
            top, height = self.y, line * max(map(len, wrapped)) + 2.2
            if is_head or number % 2 == 0:
                self.block(left, top, self.epw, height, self.accent if is_head else PALE)
            if is_total:
                self.stroke([(left, top), (left + self.epw, top)], self.accent, 0.4)
            self.set_text_color(*(WHITE if is_head else INK))
            for column, width in enumerate(widths):
                self.set_xy(left + sum(widths[:column]), top + 1.1)
                self.multi_cell(width, line, row[column], align=aligns[column])
            self.set_xy(left, top + height)
        self.c_margin = 0
        self.stroke([(left, self.y), (left + self.epw, self.y)], self.accent, 0.3)
        self.ln(4)
        self._must_fit()

    def caption(self, text: str) -> None:
        """Write the line under (or over) a table or chart."""
        self.paragraph(text, size=8.5, style="I", color=GREY)

    def _must_fit(self) -> None:
        if self.y > self.h - 15:
            raise ValueError(f"{self.title}: page {self.page_no()} is {self.y - self.h + 15:.1f} mm too long")
