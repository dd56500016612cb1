"""Reads a large picture in overlapping tiles, each at the picture's own resolution."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from maxsight.documents.cleaning import Lines, OcrWord

# A tile shares this with the next one. It is more than a word at the sizes in which large pictures have text.
OVERLAP_PX = 400
# A line goes on behind a seam where the gap is at most so many heights of the line.
MAX_GAP_HEIGHTS = 2.0


def read_in_tiles(image: Image.Image, read: Callable[[Image.Image], Lines], side_px: int) -> Lines:
    """Read a picture in tiles of at most ``side_px``, and join the lines at their seams.

    A seam lies where the overlap of two tiles has least ink, and each word is taken from the tile on whose side of
    the seam its middle is. So a word at a seam is read whole, and once.
    """
    grey = np.asarray(image.convert("L"))
    lines: Lines = []
    for top, bottom, first_row, last_row in _bands(grey, side_px):
        row: Lines = []
        for left, right, first_column, last_column in _bands(grey[top:bottom].T, side_px):
            found = read(image.crop((left, top, right, bottom)))
            is_split = (first_column, last_column) != (0, image.width)
            kept = (
                [
                    word
                    for word in _moved(line, left, top, is_split)
                    if first_column <= (word.box_px[0] + word.box_px[2]) / 2 < last_column
                    and first_row <= (word.box_px[1] + word.box_px[3]) / 2 < last_row
                ]
                for line in found
            )
            _append(row, [line for line in kept if line], seam=first_column)
        lines += row
    return lines


def _bands(grey: NDArray[np.uint8], side_px: int) -> Iterator[tuple[int, int, int, int]]:
    """Divide a picture's height: the start and end of each tile, and of the part of it that is kept."""
    height = len(grey)
    count = 1 if height <= side_px else -(-(height - OVERLAP_PX) // (side_px - OVERLAP_PX))
    starts = np.linspace(0, max(0, height - side_px), count).astype(int).tolist()
    ends = [min(height, start + side_px) for start in starts]
    pairs = zip(starts[1:], ends[:-1], strict=True)
    seams = [0, *(start + _quietest(grey[start:end]) for start, end in pairs), height]
    yield from zip(starts, ends, seams[:-1], seams[1:], strict=True)


def _quietest(grey: NDArray[np.uint8]) -> int:
    """Find the row with the least contrast, in the middle of the widest band of such rows."""
    contrast = np.abs(np.diff(grey.astype(np.int16), axis=1)).mean(axis=1)
    quiet = np.flatnonzero(contrast <= contrast.min() + 0.5)
    runs = np.split(quiet, np.flatnonzero(np.diff(quiet) > 1) + 1)
    widest = max(runs, key=len)
    return int(widest[len(widest) // 2])


def _moved(line: list[OcrWord], left: int, top: int, is_split: bool) -> Iterator[OcrWord]:
    """Move words from a tile to the picture. Divide those of scripts without spaces, which a seam may cut."""
    for word in line:
        x0, y0, x1, y1 = word.box_px
        parts = (
            list(word.text)
            if is_split and not word.text.isascii() and x1 - x0 > OVERLAP_PX / 2
            else [word.text]
        )
        step = (x1 - x0) / len(parts)
        for index, text in enumerate(parts):
            start = left + x0 + index * step
            yield replace(word, text=text, box_px=(start, top + y0, start + step, top + y1))


def _append(row: Lines, lines: Lines, seam: int) -> None:
    """Add the lines of a tile to those left of it. A line that begins at the seam goes on with one that ends there."""
    open_ends = [line for line in row if line[-1].box_px[2] > seam - OVERLAP_PX]
    for line in lines:
        x0, y0, _, y1 = line[0].box_px
        reach = MAX_GAP_HEIGHTS * (y1 - y0)
        before = [
            end
            for end in open_ends
            if abs(x0 - end[-1].box_px[2]) < reach
            and min(y1, end[-1].box_px[3]) - max(y0, end[-1].box_px[1]) > (y1 - y0) / 2
        ]
        if before:
            before[0].extend(line)
        else:
            row.append(line)
