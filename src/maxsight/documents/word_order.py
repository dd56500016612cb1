"""Words in the order in which a person reads them: shadows once, ruby last, vertical writing from the right."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from maxsight.documents.geometry import Boxes
from maxsight.segmentation import EAST_ASIAN

MAX_SHADOW = 0.3
"""How far a word's shadow lies from it, in heights of the word."""
CELL_PT = 8
"""Shadows are at most half as far from their words: no page is searched as a whole for each dot of a leader."""
FIRST_EAST_ASIAN = "\u3000"
_EAST_ASIAN = re.compile(f"[{EAST_ASIAN}]")
MAX_RUBY = 0.65
"""Height of ruby, in heights of the characters below it."""
RUBY_REACH = 6
"""Words between ruby and its characters in a file."""
_KANA = re.compile("[\u3041-\u30ff]+")
MIN_TALL = 1.5
"""Height by width of a column of vertical writing, for each of its characters but the first."""


def find_shadows(tokens: Sequence[str], boxes_pt: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Find words that stand a second time at nearly the same place: a shadow, or bold type made by drawing twice.

    Args:
        tokens: The words.
        boxes_pt: In points. Shape ``(tokens, 4)``.

    Returns:
        The second one of each pair. Shape ``(tokens,)``.
    """
    shadows = np.zeros(len(tokens), bool)
    reach = MAX_SHADOW * (boxes_pt[:, 3] - boxes_pt[:, 1])
    places: defaultdict[tuple[str, float, float], list[tuple[float, float]]] = defaultdict(list)
    for index in _close_pairs(boxes_pt[:, :2]).tolist():
        x0, y0 = boxes_pt[index, :2].tolist()
        column, row = x0 // CELL_PT, y0 // CELL_PT
        near = (
            place
            for beside in (-1, 0, 1)
            for above in (-1, 0, 1)
            for place in places.get((tokens[index], column + beside, row + above), ())
        )
        shadows[index] = any(max(abs(x - x0), abs(y - y0)) <= reach[index] for x, y in near)
        places[tokens[index], column, row].append((x0, y0))
    return shadows


def _close_pairs(points_pt: NDArray[np.floating]) -> NDArray[np.intp]:
    """Find the points that share a cell of a grid with another. Points up to half a cell apart share one of four."""
    close = np.zeros(len(points_pt), bool)
    for shift in ((0, 0), (0, 0.5), (0.5, 0), (0.5, 0.5)):
        columns, rows = np.floor(points_pt / CELL_PT + shift).astype(np.int64).T
        _, cell, count = np.unique(columns * 2**20 + rows, return_inverse=True, return_counts=True)
        close |= count[cell] > 1
    return np.flatnonzero(close)


def set_ruby_apart(
    tokens: Sequence[str], starts_line: Sequence[bool], boxes_pt: Boxes
) -> tuple[NDArray[np.intp], list[bool]]:
    """Put ruby, small kana above the characters that they are the reading of, behind all other words.

    In a file it stands between the words of a line, and would cut the line.

    Returns:
        The tokens' indices in their new order, shape ``(tokens,)``, and which of these start a line.
    """
    ruby = np.array([_is_ruby(index, tokens, boxes_pt) for index in range(len(tokens))], np.bool_)
    if not ruby.any():
        return np.arange(len(tokens)), list(starts_line)
    order = np.argsort(ruby, kind="stable")
    starts = [starts_line[index] for index in order]
    words = int((~ruby).sum())
    for place in range(1, words):
        before, after = order[place - 1], order[place]
        if after - before > 1 and starts[place]:
            (_, top, right, bottom), (left, next_top, _, next_bottom) = boxes_pt[before], boxes_pt[after]
            starts[place] = not (
                top < (next_top + next_bottom) / 2 < bottom and left > right - (bottom - top) / 2
            )
    starts[words] = True
    return order, starts


def _is_ruby(index: int, tokens: Sequence[str], boxes_pt: Boxes) -> bool:
    if not _KANA.fullmatch(tokens[index]):
        return False
    near = np.delete(
        boxes_pt[max(0, index - RUBY_REACH) : index + RUBY_REACH + 1], min(index, RUBY_REACH), axis=0
    )
    x0, y0, x1, y1 = boxes_pt[index]
    heights = near[:, 3] - near[:, 1]
    above = (y1 > near[:, 1] - heights / 4) & ((y0 + y1) / 2 < near[:, 1] + heights / 4)
    shared = np.minimum(near[:, 2], x1) - np.maximum(near[:, 0], x0)
    over = shared > np.minimum(near[:, 2] - near[:, 0], x1 - x0) / 2
    return bool((above & over & (y1 - y0 < MAX_RUBY * heights)).any())


def order_columns(tokens: Sequence[str], starts_line: Sequence[bool], boxes_pt: Boxes) -> NDArray[np.intp]:
    """Order columns of vertical writing from right to left, and leave all other lines where they are.

    Returns:
        The tokens' indices in reading order. Shape ``(tokens,)``.
    """
    if max(map(max, tokens), default="") < FIRST_EAST_ASIAN:
        return np.arange(len(tokens))
    lines = np.split(
        np.arange(len(tokens)), [index for index, starts in enumerate(starts_line) if starts and index]
    )
    ordered: list[NDArray[np.intp]] = []
    columns: list[tuple[NDArray[np.intp], list[float]]] = []
    for line in [*lines, np.empty(0, np.intp)]:
        if len(line) and _is_column([tokens[index] for index in line], boxes_pt[line]):
            columns.append((line, [*boxes_pt[line, :2].min(axis=0), *boxes_pt[line, 2:].max(axis=0)]))
        else:
            ordered += [*_from_right(columns), line]
            columns = []
    return np.concatenate(ordered)


def _is_column(tokens: Sequence[str], boxes_pt: Boxes) -> bool:
    length = sum(map(len, tokens))
    width, height = boxes_pt[:, 2:].max(axis=0) - boxes_pt[:, :2].min(axis=0)
    is_east_asian = sum(len(_EAST_ASIAN.findall(token)) for token in tokens) * 2 > length
    return is_east_asian and length > 1 and height > MIN_TALL * width


def _from_right(columns: list[tuple[NDArray[np.intp], list[float]]]) -> list[NDArray[np.intp]]:
    """Order columns by tiers from top to bottom, and in each tier from right to left."""
    tiers: list[list[tuple[NDArray[np.intp], list[float]]]] = []
    bottom = -np.inf
    for column in sorted(columns, key=lambda column: column[1][1]):
        if column[1][1] >= bottom:
            tiers.append([])
        tiers[-1].append(column)
        bottom = max(bottom, column[1][3])
    return [line for tier in tiers for line, _ in sorted(tier, key=lambda column: -column[1][0])]
