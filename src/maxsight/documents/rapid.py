"""OCR by RapidOCR, whose models lie in its own wheel: nothing is downloaded."""

from __future__ import annotations

import logging
from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from rapidocr import RapidOCR

from maxsight.documents.ocr import Lines, OcrWord

Quad = NDArray[np.floating[Any]]


def read_lines(image: Image.Image) -> Lines:
    """Read a picture's words, line by line from top to bottom, left to right within a row."""
    result: Any = _engine()(np.asarray(image.convert("RGB"))[:, :, ::-1].copy())
    if result.txts is None or result.boxes is None:
        return []
    words = result.word_results or [()] * len(result.txts)
    lines = [
        _words_of_line(text, float(score), box, pieces)
        for text, score, box, pieces in zip(result.txts, result.scores, result.boxes, words, strict=True)
    ]
    return [lines[index] for index in _reading_order([_bounds(box) for box in result.boxes])]


@cache
def _engine() -> RapidOCR:
    cv2.setNumThreads(1)
    logging.getLogger("RapidOCR").setLevel(logging.CRITICAL)
    return RapidOCR(
        params={
            "Global.log_level": "critical",
            "Global.return_word_box": True,
            # Lines on their head would come back with mirrored word boxes; `ocr` turns the page instead.
            "Global.use_cls": False,
            "EngineConfig.onnxruntime.intra_op_num_threads": 1,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        }
    )


def _words_of_line(text: str, score: float, line_box: Quad, pieces: Any) -> list[OcrWord]:
    """Give each whitespace-separated word of a line the boxes of the pieces it was recognised in.

    A piece is one or more characters of a word; where pieces and text disagree, the line's box is shared out
    by character counts.
    """
    words = text.split()
    boxes = [(piece[0].strip(), _bounds(np.asarray(piece[2]))) for piece in pieces]
    boxes = [(piece, box) for piece, box in boxes if piece]
    if "".join(piece for piece, _ in boxes) != "".join(words):
        return _share_out(words, score, line_box)
    found: list[OcrWord] = []
    queue = iter(boxes)
    left = 0  # characters of the current piece that belong to the next word
    box = _bounds(line_box)
    for word in words:
        parts = [box] if left else []
        while left < len(word):
            piece, box = next(queue)
            left += len(piece)
            parts.append(box)
        left -= len(word)
        low, high = np.min(parts, axis=0), np.max(parts, axis=0)
        found.append(OcrWord(word, (low[0], low[1], high[2], high[3]), score))
    return found


def _share_out(words: list[str], score: float, line_box: Quad) -> list[OcrWord]:
    x0, y0, x1, y1 = _bounds(line_box)
    length = len(" ".join(words))
    found, start = [], 0
    for word in words:
        low, high = start / length, (start + len(word)) / length
        if x1 - x0 >= y1 - y0:
            box = (x0 + low * (x1 - x0), y0, x0 + high * (x1 - x0), y1)
        else:
            box = (x0, y0 + low * (y1 - y0), x1, y0 + high * (y1 - y0))
        found.append(OcrWord(word, box, score))
        start += len(word) + 1
    return found


def _bounds(quad: Quad) -> tuple[float, float, float, float]:
    low, high = quad.min(axis=0), quad.max(axis=0)
    return float(low[0]), float(low[1]), float(high[0]), float(high[1])


def _reading_order(boxes: list[tuple[float, float, float, float]]) -> list[int]:
    """Order lines by columns, within a column from top to bottom, within a row from left to right.

    Where most lines stand upright the text runs downwards (a page on its side), so it is ordered as seen with
    the head tilted to the right.
    """
    sideways = sum(x1 - x0 < y1 - y0 for x0, y0, x1, y1 in boxes) * 2 > len(boxes)
    seen = np.array([(y0, -x1, y1, -x0) if sideways else (x0, y0, x1, y1) for x0, y0, x1, y1 in boxes])
    return _order_block(seen, np.arange(len(seen)))


def _order_block(boxes: NDArray[np.float64], rows: NDArray[np.intp]) -> list[int]:
    """Recursive XY cut: split at horizontal gaps, then at vertical ones; the rest is read by rows."""
    for axis in (1, 0):
        groups = _split_at_gaps(boxes, rows, axis)
        if len(groups) > 1:
            return [index for group in groups for index in _order_block(boxes, group)]
    return [int(row) for row in rows[np.lexsort((boxes[rows, 0], boxes[rows, 1]))]]


def _split_at_gaps(boxes: NDArray[np.float64], rows: NDArray[np.intp], axis: int) -> list[NDArray[np.intp]]:
    ordered = rows[np.argsort(boxes[rows, axis], kind="stable")]
    ends = np.maximum.accumulate(boxes[ordered, axis + 2])
    cuts = np.flatnonzero(boxes[ordered[1:], axis] > ends[:-1]) + 1
    return np.split(ordered, cuts)
