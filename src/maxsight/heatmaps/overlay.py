"""The picture: heat over the page, the best match of each query word outlined, and a legend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from maxsight.heatmaps.heat import box_pixels, heat_map, mark
from maxsight.heatmaps.labels import Box, place_labels
from maxsight.lettering import Lettering
from maxsight.results import Match
from maxsight.types import WHOLE_PAGE

PAGE_EDGE_PX = 1400
MAX_ENLARGEMENT = 2.0
LEGEND_WIDTH_PX, LEGEND_HEIGHT_PX = 520, 700
MARGIN_PX = 28
SCALE_PX, SCALE_BAR_PX = 52, 12
SCALE = ("as on an average page", "one word", "all of the query")
MATCH_PX, NOTE_LINE_PX, CAPTION_PX, LABEL_PX = 44, 20, 40, 20
INK, FAINT, PAPER = (32, 33, 36), (110, 114, 120), (255, 255, 255)
PALETTE = (
    (31, 119, 180),
    (44, 140, 60),
    (148, 82, 189),
    (214, 100, 12),
    (0, 134, 139),
    (190, 30, 110),
    (120, 90, 60),
    (60, 70, 160),
)


@dataclass(frozen=True, slots=True)
class Captions:
    """Texts of the legend besides the matches.

    Attributes:
        query: The question, at the top.
        title: The page and its score.
        notes: What the picture does not show, at the bottom.
    """

    query: str
    title: str
    notes: Sequence[str] = ()


def draw_overlay(
    picture: Image.Image,
    boxes: NDArray[np.float32],
    heat: NDArray[np.float32],
    matches: Sequence[Match],
    captions: Captions,
    *,
    smooth: bool = False,
) -> Image.Image:
    """Draw why a page was found. Common words are named below the others.

    Args:
        picture: The page as a person sees it.
        boxes: Place of each vector of the page. Shape ``(vectors, 4)``, fractions of the page.
        heat: How much of the query stands at each vector. Shape ``(vectors,)``, in [0, 1].
        matches: Where each query word matched.
        captions: Texts of the legend.
        smooth: Blur the borders between patches of a grid.

    Returns:
        The page, with its longer edge at ``PAGE_EDGE_PX``, and a legend to its right. RGB.
    """
    page = scaled(picture.convert("RGB"))
    marked = mark(page, heat_map(boxes, heat, page.size, smooth=smooth))
    telling = [match for match in matches if not match.common]
    colours = [PALETTE[index % len(PALETTE)] for index in range(len(telling))]
    shown = _strong(telling)
    _outline(marked, page, [telling[index] for index in shown], [colours[index] for index in shown])
    if common := [match for match in matches if match.common]:
        words = ", ".join(dict.fromkeys(match.word for match in common))
        note = f"{sum(match.score for match in common):.2f} of the score is from common words: {words}"
        captions = replace(captions, notes=[note, *captions.notes])
    sheet = Image.new("RGB", (page.width + LEGEND_WIDTH_PX, max(page.height, LEGEND_HEIGHT_PX)), PAPER)
    sheet.paste(marked, (0, 0))
    _draw_legend(sheet, page.width, captions, telling, colours)
    return sheet


def scaled(picture: Image.Image) -> Image.Image:
    """Scale a page to the size that it is drawn in."""
    scale = min(PAGE_EDGE_PX / max(picture.size), MAX_ENLARGEMENT)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    return picture.resize(size, Image.Resampling.LANCZOS)


def captioned(picture: Image.Image, caption: str) -> Image.Image:
    """Add one line of text above a picture."""
    sheet = Image.new("RGB", (picture.width, picture.height + CAPTION_PX), PAPER)
    sheet.paste(picture, (0, CAPTION_PX))
    draw, font = ImageDraw.Draw(sheet), Lettering(18)
    line = _fit(caption, font, picture.width - 2 * MARGIN_PX)
    font.write(draw, (MARGIN_PX, CAPTION_PX // 2), line, INK, "lm")
    return sheet


def _strong(matches: Sequence[Match], most: int = 6) -> list[int]:
    """The query words that stand out most, in the order of the query."""
    order = sorted(range(len(matches)), key=lambda index: -matches[index].contrast)
    return sorted(order[:most])


def _outline(
    marked: Image.Image,
    page: Image.Image,
    matches: Sequence[Match],
    colours: Sequence[tuple[int, int, int]],
) -> None:
    """Outline where each query word matched, and write the word where it covers least ink."""
    draw, font = ImageDraw.Draw(marked), Lettering(15)
    found = [
        (
            _fit(match.word, font, page.width // 3),
            box_pixels(match.region.box, page.size, grow=4),
            colour,
        )
        for match, colour in zip(matches, colours, strict=True)
        if match.region.box not in (None, WHOLE_PAGE)
    ]
    sizes = [(ceil(font.length(word)) + 6, LABEL_PX) for word, _, _ in found]
    labels = place_labels(page, [box for _, box, _ in found], sizes)
    for match, colour in zip(matches, colours, strict=True):
        for part in match.region.more:
            draw.rounded_rectangle(box_pixels(part, page.size, grow=4), radius=4, outline=colour, width=3)
    for (_, box, colour), label in zip(found, labels, strict=True):
        draw.rounded_rectangle(box, radius=4, outline=colour, width=3)
        if label:
            draw.line(_way(label, box), fill=colour, width=2)
    for (word, _, colour), label in zip(found, labels, strict=True):
        if label:
            draw.rectangle(label, fill=colour)
            font.write(draw, (label[0] + 3, label[1] + LABEL_PX // 2), word, PAPER, "lm")


def _way(label: Box, box: Box) -> tuple[float, float, float, float]:
    """The shortest line from a label to its box."""
    ends = []
    for low, high in ((0, 2), (1, 3)):
        if label[high] < box[low] or box[high] < label[low]:
            before = label[high] < box[low]
            ends.append((label[high], box[low]) if before else (label[low], box[high]))
        else:
            middle = (max(label[low], box[low]) + min(label[high], box[high])) / 2
            ends.append((middle, middle))
    return ends[0][0], ends[1][0], ends[0][1], ends[1][1]


def _draw_legend(
    sheet: Image.Image,
    left: int,
    captions: Captions,
    matches: Sequence[Match],
    colours: Sequence[tuple[int, int, int]],
) -> None:
    draw = ImageDraw.Draw(sheet)
    small, normal, large = (Lettering(size) for size in (15, 18, 23))
    x, y = left + MARGIN_PX, MARGIN_PX
    width = LEGEND_WIDTH_PX - 2 * MARGIN_PX
    draw.line((left, 0, left, sheet.height), fill=(220, 222, 226), width=2)
    for text, font, line_height, colour in (
        (captions.query, large, 30, INK),
        (captions.title, small, 20, FAINT),
    ):
        for line in _wrap(text, font, width, most=5):
            font.write(draw, (x, y), line, colour)
            y += line_height
        y += 10
    y += 12
    notes = [line for note in captions.notes for line in _wrap(note, small, width, most=2)]
    bottom = sheet.height - MARGIN_PX - len(notes) * NOTE_LINE_PX - SCALE_PX
    strongest = max((match.score for match in matches), default=1.0)
    for number, (match, colour) in enumerate(zip(matches, colours, strict=True)):
        room = bottom - y - (MATCH_PX if number < len(matches) - 1 else 0)
        if room < MATCH_PX:
            small.write(draw, (x, y), f"… and {len(matches) - number} more", FAINT)
            y += MATCH_PX
            break
        found = f"{match.word}: {match.region}"
        draw.rectangle((x, y + 3, x + 12, y + 15), fill=colour)
        normal.write(draw, (x + 22, y), _fit(found, normal, width - 90), INK)
        normal.write(draw, (x + width, y), f"{match.score:.2f}", INK, "ra")
        bar = max(0.0, match.score / strongest) * (width - 22) if strongest > 0 else 0
        draw.rectangle((x + 22, y + 25, x + 22 + bar, y + 29), fill=colour)
        y += MATCH_PX
    _draw_scale(sheet, (x, y), width)
    y += SCALE_PX
    for line in notes:
        small.write(draw, (x, y), line, FAINT)
        y += NOTE_LINE_PX


def _draw_scale(sheet: Image.Image, at: tuple[int, int], width: int) -> None:
    """Draw what the colours mean. They mean the same on every page."""
    x, y = at
    level = np.tile(np.linspace(0, 1, width, dtype=np.float32), (SCALE_BAR_PX, 1))
    sheet.paste(mark(Image.new("RGB", (width, SCALE_BAR_PX), PAPER), level), (x, y))
    draw, font = ImageDraw.Draw(sheet), Lettering(15)
    for share, anchor, text in zip((0.0, 0.5, 1.0), "lmr", SCALE, strict=True):
        font.write(draw, (x + share * width, y + SCALE_BAR_PX + 4), text, FAINT, f"{anchor}a")


def _wrap(text: str, font: Lettering, width: int, most: int) -> list[str]:
    lines: list[str] = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if font.length(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    lines = [_fit(line, font, width) for line in lines if line]
    return lines if len(lines) <= most else [*lines[: most - 1], lines[most - 1] + " …"]


def _fit(text: str, font: Lettering, width: int) -> str:
    if font.length(text) <= width:
        return text
    while text and font.length(text + "…") > width:
        text = text[:-1]
    return text + "…"
