"""Messages between the reading process and its workers: JSON and raw arrays, framed by their length.

The format carries values only. So a worker that a hostile file controls can send wrong pages, but no code.
"""

from __future__ import annotations

import json
import math
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from maxsight.documents.base import Limits, OcrChoice, ReadSettings, RowFields
from maxsight.errors import UnreadableDocumentError, UnsupportedFormatError
from maxsight.pictures import Fit, PictureFit
from maxsight.types import Page, SourceReason, TextRun, TextSource, Words

Array = NDArray[np.generic]

_LENGTHS = struct.Struct(">IQ")  # bytes of JSON, bytes of arrays
_MAX_JSON_BYTES = 1 << 28
_MAX_ARRAY_BYTES = 1 << 32
_DTYPES: dict[str, np.dtype[Any]] = {
    "int32": np.dtype("<i4"),
    "float32": np.dtype("<f4"),
    "uint8": np.dtype("u1"),
}


class FrameError(Exception):
    """The other side sent something that is not a frame."""


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One message.

    Attributes:
        fields: Plain values.
        arrays: Arrays of the types in `_DTYPES`.
    """

    fields: dict[str, Any]
    arrays: tuple[Array, ...] = ()


def write_frame(stream: BinaryIO, frame: Frame) -> None:
    """Write one frame and flush it."""
    arrays = [np.ascontiguousarray(array, dtype=_DTYPES[array.dtype.name]) for array in frame.arrays]
    shapes = [[array.dtype.name, list(array.shape)] for array in arrays]
    text = json.dumps({"fields": frame.fields, "arrays": shapes}).encode()
    stream.write(_LENGTHS.pack(len(text), sum(array.nbytes for array in arrays)) + text)
    for array in arrays:
        stream.write(array.tobytes())
    stream.flush()


def read_frame(stream: BinaryIO) -> Frame | None:
    """Read one frame; None at the end of the stream.

    Raises:
        FrameError: The stream ends within a frame, or holds something else.
    """
    start = stream.read(_LENGTHS.size)
    if not start:
        return None
    try:
        json_bytes, array_bytes = _LENGTHS.unpack(start)
        if json_bytes > _MAX_JSON_BYTES or array_bytes > _MAX_ARRAY_BYTES:
            raise FrameError(f"a frame of {json_bytes} + {array_bytes} bytes is over the limit")
        message = json.loads(stream.read(json_bytes))
        arrays = [_read_array(stream, name, shape) for name, shape in message["arrays"]]
        return Frame(dict(message["fields"]), tuple(arrays))
    except (struct.error, ValueError, KeyError, TypeError) as error:
        raise FrameError(f"not a frame: {error}") from error


def _read_array(stream: BinaryIO, name: str, shape: list[int]) -> Array:
    dtype = _DTYPES[name]
    size_bytes = math.prod(shape) * dtype.itemsize
    if not 0 <= size_bytes <= _MAX_ARRAY_BYTES:
        raise FrameError(f"an array of shape {shape} is over the limit")
    content = bytearray(stream.read(size_bytes))  # so that the array can be written to, which PyTorch needs
    array: Array = np.frombuffer(content, dtype=dtype)
    return array.reshape(shape)


def settings_from_fields(fields: dict[str, Any]) -> ReadSettings:
    """Make settings of plain values, as ``dataclasses.asdict`` gives them."""
    picture, rows = fields["picture"], fields["rows"]
    return ReadSettings(
        ocr=OcrChoice(fields["ocr"]),
        ocr_languages=tuple(fields["ocr_languages"]),
        dpi=fields["dpi"],
        password=fields["password"],
        limits=Limits(**fields["limits"]),
        picture=None if picture is None else PictureFit(**{**picture, "fit": Fit(picture["fit"])}),
        rows=None if rows is None else RowFields(**rows),
    )


def count_from_frame(frame: Frame) -> int:
    """Read a page count.

    Raises:
        FrameError: The frame holds no page count.
    """
    count = frame.fields.get("page_count")
    if not isinstance(count, int) or count < 1:
        raise FrameError(f"not a page count: {count}")
    return count


def page_to_frame(page: Page) -> Frame:
    """Convert a page."""
    fields = {
        "page_index": page.page_index,
        "text": page.text,
        "text_source": page.text_source,
        "text_runs": [[run.source, run.words, run.reason] for run in page.text_runs],
        "width_pt": page.width_pt,
        "height_pt": page.height_pt,
        "unread": page.unread,
    }
    optional = {"spans": page.words.spans, "boxes": page.words.boxes, "picture": page.picture}
    arrays = {name: array for name, array in optional.items() if array is not None}
    return Frame({"page": fields, "arrays": list(arrays)}, tuple(arrays.values()))


def page_from_frame(frame: Frame) -> Page:
    """Read a page.

    Raises:
        FrameError: The frame holds no valid page.
    """
    try:
        fields = frame.fields["page"]
        text = str(fields["text"])
        arrays = dict(zip(frame.fields["arrays"], frame.arrays, strict=True))
        spans, boxes, picture = arrays["spans"], arrays.get("boxes"), arrays.get("picture")
        if spans.size and not 0 <= spans.min() <= spans.max() <= len(text):
            raise FrameError("words lie outside the text")
        text.encode()  # a lone surrogate raises a ValueError: no store can hold it
        return Page(
            int(fields["page_index"]),
            text,
            Words(spans.astype(np.int32), None if boxes is None else boxes.astype(np.float32)),
            TextSource(fields["text_source"]),
            float(fields["width_pt"]),
            float(fields["height_pt"]),
            None if picture is None else _pixels(picture),
            text_runs=tuple(
                TextRun(TextSource(source), int(words), None if reason is None else SourceReason(reason))
                for source, words, reason in fields["text_runs"]
            ),
            unread=tuple(map(str, fields["unread"])),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise FrameError(f"not a page: {error}") from error


def image_to_frame(image: Image.Image) -> Frame:
    """Convert a picture (RGB)."""
    return Frame({"image": "RGB"}, (np.asarray(image),))


def image_from_frame(frame: Frame) -> Image.Image:
    """Read a picture.

    Raises:
        FrameError: The frame holds no picture.
    """
    try:
        return Image.fromarray(_pixels(frame.arrays[0]))
    except IndexError as error:
        raise FrameError("not a picture") from error


def _pixels(array: Array) -> NDArray[np.uint8]:
    if array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] != 3 or not array.size:
        raise FrameError(f"not a picture: shape {array.shape}, {array.dtype}")
    return array.astype(np.uint8, copy=False)


def error_to_frame(error: UnreadableDocumentError) -> Frame:
    """Convert an error."""
    fields = {
        "path": error.path,
        "reason": error.reason,
        "page_number": error.page_number,
        "hint": error.hint,
        "unsupported": isinstance(error, UnsupportedFormatError),
    }
    return Frame({"error": fields})


def error_from_frame(frame: Frame) -> UnreadableDocumentError:
    """Read an error.

    Raises:
        FrameError: The frame holds no error.
    """
    try:
        fields = frame.fields["error"]
        kind = UnsupportedFormatError if fields["unsupported"] else UnreadableDocumentError
        path, reason = Path(fields["path"]), str(fields["reason"])
        return kind(path, reason, page_number=fields["page_number"], hint=fields["hint"])
    except (KeyError, TypeError) as error:
        raise FrameError(f"not an error: {error}") from error
