"""Words and lines of scripts without spaces: each word with its own box, and lines that go on in the next one."""

from __future__ import annotations

import unicodedata

import numpy as np
from numpy.typing import NDArray

from maxsight.documents.geometry import Boxes
from maxsight.segmentation import UNSPACED, cut_run

MIN_LINE = 12
"""Characters of a line that may go on. Shorter ones are cells of tables, headings, names."""
MAX_INDENT = 2.5
"""Characters that the first line of a paragraph is indented."""
MAX_RAGGED = 1.5
"""Characters that a line may end before the next one: punctuation is not put at the start of a line."""
MAX_LEADING = 1.3
"""Space between two lines, in their heights."""
SAME_SIZE = 0.2


def cut_words(
    text: str, spans: NDArray[np.int32], boxes: NDArray[np.float32], starts_line: NDArray[np.bool_]
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Cut runs of words that touch in a line into single words, each with its box.

    Args:
        text: A page's text.
        spans: Its runs. Shape ``(runs, 2)``.
        boxes: Their places. Shape ``(runs, 4)``.
        starts_line: The runs that start a line. Shape ``(runs,)``.

    Returns:
        Spans and boxes of the words.
    """
    if not UNSPACED.search(text):
        return spans, boxes
    apart = starts_line | (np.arange(len(spans)) == 0)
    apart[1:] |= spans[1:, 0] != spans[:-1, 1]
    firsts = np.flatnonzero(apart).tolist()
    words: list[tuple[int, int]] = []
    places: list[NDArray[np.float32]] = []
    for first, last in zip(firsts, [*firsts[1:], len(spans)], strict=True):
        start, end = int(spans[first, 0]), int(spans[last - 1, 1])
        cut = cut_run(text[start:end])
        if len(cut) == 1 == last - first:
            words.append((start, end))
            places.append(boxes[first])
            continue
        letters = np.concatenate(
            [_letters(text[slice(*spans[run])], boxes[run]) for run in range(first, last)]
        )
        for begin, stop in cut:
            own = letters[begin:stop]
            words.append((start + begin, start + stop))
            places.append(np.concatenate([own[:, :2].min(axis=0), own[:, 2:].max(axis=0)]))
    return np.array(words, np.int32).reshape(-1, 2), np.array(places, np.float32).reshape(-1, 4)


def _letters(run: str, box: NDArray[np.float32]) -> NDArray[np.float32]:
    """Divide the box of a run between its characters. Wide ones are twice as wide as others. Shape ``(letters, 4)``."""
    widths = [
        0 if unicodedata.combining(letter) else 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        for letter in run
    ]
    edges = np.cumsum([0, *widths]) / max(1, sum(widths))
    axis = int(box[3] - box[1] > box[2] - box[0])  # columns of vertical writing are divided from the top
    letters = np.tile(box, (len(run), 1))
    low, high = box[axis], box[axis + 2]
    letters[:, axis] = low + (high - low) * edges[:-1]
    letters[:, axis + 2] = low + (high - low) * edges[1:]
    return letters


class LineEnds:
    """Says which lines of a page go on in the next one, so that no blank parts them.

    Args:
        tokens: The page's words.
        boxes: Their places. Shape ``(tokens, 4)``.
        starts_line: One per token.
    """

    def __init__(self, tokens: list[str], boxes: Boxes, starts_line: NDArray[np.bool_]) -> None:
        firsts = np.flatnonzero(starts_line | (np.arange(len(tokens)) == 0))
        self._line = np.cumsum(starts_line) - int(bool(len(tokens)) and starts_line[0])
        self._low = np.minimum.reduceat(boxes[:, :2], firsts) if len(firsts) else boxes[:, :2]
        self._high = np.maximum.reduceat(boxes[:, 2:], firsts) if len(firsts) else boxes[:, 2:]
        self._lengths = np.add.reduceat(list(map(len, tokens)), firsts) if len(firsts) else firsts
        self._tokens = tokens

    def go_on(self, token: int) -> bool:
        """Whether the line before a token that starts one goes on with it."""
        before, after = self._tokens[token - 1][-1], self._tokens[token][0]
        if not (UNSPACED.match(before) and UNSPACED.match(after) and before.isalnum() and after.isalnum()):
            return False
        line = int(self._line[token])
        if self._lengths[line - 1] < MIN_LINE:
            return False
        left, top, right, bottom = self._place(line - 1)
        next_left, next_top, next_right, next_bottom = self._place(line)
        height, letter = bottom - top, (right - left) / self._lengths[line - 1]
        return bool(
            abs((next_bottom - next_top) - height) <= SAME_SIZE * height
            and top < next_top
            and next_top - bottom <= MAX_LEADING * height
            and abs(next_left - left) <= MAX_INDENT * letter
            and right >= next_right - MAX_RAGGED * letter
        )

    def _place(self, line: int) -> list[float]:
        """Return a line's box. A column of vertical writing is turned to a line: the next one is below it."""
        (x0, y0), (x1, y1) = self._low[line].tolist(), self._high[line].tolist()
        return [y0, 1 - x1, y1, 1 - x0] if y1 - y0 > x1 - x0 else [x0, y0, x1, y1]
