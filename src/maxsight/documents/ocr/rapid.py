"""OCR by RapidOCR. Its wheel contains its models, so nothing is downloaded."""

from __future__ import annotations

import logging
from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from rapidocr import RapidOCR

from maxsight.documents.cleaning import Lines, OcrWord

# RapidOCR shrinks larger pictures to this side, and loses small letters.
SIDE_PX = 2000

Quad = NDArray[np.floating[Any]]


def read_lines(image: Image.Image) -> Lines:
    """Read a picture's words, line by line, in the order in which the lines were detected."""
    result: Any = _engine()(np.asarray(image.convert("RGB"))[:, :, ::-1].copy())
    if result.txts is None or result.boxes is None:
        return []
    words = result.word_results or [()] * len(result.txts)
    return [
        _words_of_line(text, float(score), box, pieces)
        for text, score, box, pieces in zip(result.txts, result.scores, result.boxes, words, strict=True)
    ]


@cache
def _engine() -> RapidOCR:
    cv2.setNumThreads(1)
    logging.getLogger("RapidOCR").setLevel(logging.CRITICAL)
    return RapidOCR(
        params={
            "Global.log_level": "critical",
            "Global.return_word_box": True,
            "Global.max_side_len": SIDE_PX,
            # Lines upside down would have mirrored word boxes. `choosing` rotates the page instead.
            "Global.use_cls": False,
            "Rec.rec_batch_num": 1,  # Lines are padded to the longest of a batch: 30 % more work.
            "EngineConfig.onnxruntime.intra_op_num_threads": 1,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        }
    )


def _words_of_line(text: str, score: float, line_box: Quad, pieces: Any) -> list[OcrWord]:
    """Join the boxes of the pieces that each word of a line was recognised in.

    A piece is one or more characters of a word. Where pieces and text disagree, the line's box is divided by character
    counts.
    """
    words = text.split()
    boxes = [(piece[0].strip(), _bounds(np.asarray(piece[2]))) for piece in pieces]
    boxes = [(piece, box) for piece, box in boxes if piece]
    if "".join(piece for piece, _ in boxes) != "".join(words):
        return _divide_box(words, score, line_box)
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


def _divide_box(words: list[str], score: float, line_box: Quad) -> list[OcrWord]:
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
