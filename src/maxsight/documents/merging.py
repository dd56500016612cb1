"""Puts lines from a text layer and from OCR together, in reading order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from maxsight.documents.cleaning import NOTHING_READ, Reading, join_words
from maxsight.documents.geometry import Boxes
from maxsight.types import MAX_TEXT_RUNS, SourceReason, TextRun, TextSource, Words, main_source


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """Words of one line that come from one source.

    Attributes:
        tokens: The words.
        boxes: Fractions of the page. Shape ``(tokens, 4)``.
        source: Where they come from.
        reason: Why, where that is not the usual way.
        starts_line: Whether the words are the first of their line.
        confidences: OCR's confidence in each word, from 0 to 1; empty for a text layer.
    """

    tokens: Sequence[str]
    boxes: Boxes
    source: TextSource
    reason: SourceReason | None = None
    starts_line: bool = True
    confidences: Sequence[float] = field(default=())

    @classmethod
    def of_all(cls, pieces: Sequence[Piece]) -> Piece | None:
        """Return all words of pieces from one source; None without any."""
        if not pieces:
            return None
        tokens = [token for piece in pieces for token in piece.tokens]
        confidences = [confidence for piece in pieces for confidence in piece.confidences]
        boxes = np.concatenate([piece.boxes for piece in pieces])
        return cls(tokens, boxes, pieces[0].source, confidences=confidences)

    @property
    def text(self) -> str:
        """The words, joined by spaces."""
        return " ".join(self.tokens)

    @property
    def bounds(self) -> NDArray[np.float32]:
        """The box around the words. Shape ``(4,)``."""
        return np.concatenate([self.boxes[:, :2].min(axis=0), self.boxes[:, 2:].max(axis=0)])

    def because(self, reason: SourceReason | None) -> Piece:
        """Return the same words with a reason."""
        return replace(self, reason=reason)

    def surer_than(self, confidence: float) -> Piece | None:
        """Return the words that OCR is surer of; None without a letter or digit among them."""
        piece = self._of(np.array(self.confidences) >= confidence)
        return piece if piece and any(map(str.isalnum, piece.text)) else None

    def within(self, boxes: Boxes) -> Piece | None:
        """Return the words whose middle lies in one of the boxes; None if there are none."""
        return self._of(self._are_in(boxes))

    def outside(self, boxes: Boxes) -> Piece | None:
        """Return the words whose middle lies in none of the boxes; None if there are none."""
        return self._of(~self._are_in(boxes))

    def _are_in(self, boxes: Boxes) -> NDArray[np.bool_]:
        middle = ((self.boxes[:, :2] + self.boxes[:, 2:]) / 2)[:, None]  # (words, 1, 2)
        inside = np.all((boxes[:, :2] <= middle) & (middle <= boxes[:, 2:]), axis=2)
        return np.asarray(inside.any(axis=1))

    def _of(self, chosen: NDArray[np.bool_]) -> Piece | None:
        kept = np.flatnonzero(chosen).tolist()
        if not kept:
            return None
        return replace(
            self,
            tokens=[self.tokens[word] for word in kept],
            boxes=self.boxes[kept],
            confidences=[self.confidences[word] for word in kept] if self.confidences else (),
        )


def merge_pieces(one: list[Piece], other: list[Piece]) -> list[Piece]:
    """Put each piece of the shorter list behind the one of the longer that is left of it, or else above it.

    Each list is in reading order. A piece under no other comes before the first one below it.
    """
    many, few = sorted((one, other), key=len, reverse=True)
    merged = list(many)
    bounds = np.array([piece.bounds for piece in merged]).reshape(-1, 4)
    for piece in few:
        place = _place(piece.bounds, bounds)
        merged.insert(place, piece)
        bounds = np.insert(bounds, place, piece.bounds, axis=0)
    return merged


def _place(piece: NDArray[np.float32], merged: NDArray[np.float32]) -> int:
    x0, y0, x1, y1 = merged.T
    left, top, right, bottom = piece
    middle = (top + bottom) / 2
    shares_row = np.minimum(y1, bottom) - np.maximum(y0, top) > (bottom - top) / 2
    shares_column = np.minimum(x1, right) > np.maximum(x0, left)
    beside, above, below = (
        np.flatnonzero(where)
        for where in (
            shares_row & (x1 <= left + (right - left) / 2),
            shares_column & ((y0 + y1) / 2 < middle),
            shares_column & ((y0 + y1) / 2 >= middle),
        )
    )
    if len(beside):
        return int(beside[x1[beside].argmax()]) + 1
    if len(above):
        return int(above[y1[above].argmax()]) + 1
    if len(below):
        return int(below[0])
    return int(((y0 + y1) / 2 < middle).sum())


def join_pieces(pieces: list[Piece]) -> Reading:
    """Join pieces to a text. A space joins the parts of a line, a newline joins lines."""
    text, runs = "", list[TextRun]()
    spans, boxes = list[NDArray[np.int32]](), list[Boxes]()
    last: Piece | None = None
    for (source, reason), group in groupby(pieces, key=lambda piece: (piece.source, piece.reason)):
        tokens: list[str] = []
        starts_line: list[bool] = []
        of_group: list[Boxes] = []
        first = None
        for piece in group:
            starts = last is None or not _goes_on(last, piece)
            first = starts if first is None else first
            tokens += piece.tokens
            starts_line += [starts, *[False] * (len(piece.tokens) - 1)]
            of_group.append(piece.boxes)
            last = piece
        reading = join_words(tokens, starts_line, np.concatenate(of_group), source)
        if len(reading.words):
            text += ("\n" if first else " ") if text else ""
            spans.append(reading.words.spans + len(text))
            assert reading.words.boxes is not None  # join_words was given boxes
            boxes.append(reading.words.boxes)
            text += reading.text
            runs.append(TextRun(source, len(reading.words), reason))
    if not runs:
        return NOTHING_READ
    words = Words(np.concatenate(spans).astype(np.int32), np.concatenate(boxes))
    if len(runs) > MAX_TEXT_RUNS:
        runs = _summed(runs)
    is_plain = len(runs) == 1 and runs[0].reason is None
    return Reading(text, words, main_source(runs), () if is_plain else tuple(runs))


def _summed(runs: list[TextRun]) -> list[TextRun]:
    sums = Counter[tuple[TextSource, SourceReason | None]]()
    for run in runs:
        sums[run.source, run.reason] += run.words
    return [TextRun(source, words, reason) for (source, reason), words in sums.items()]


def _goes_on(last: Piece, piece: Piece) -> bool:
    """Say whether a piece goes on with the line of the one before it, which ends where this one was cut."""
    if piece.starts_line and piece.source is last.source:
        return False
    (_, top, right, bottom), (left, y0, _, y1) = last.boxes[-1], piece.boxes[0]
    return bool(left >= right and min(bottom, y1) - max(top, y0) > (bottom - top) / 2)
