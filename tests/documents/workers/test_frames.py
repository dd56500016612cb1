from __future__ import annotations

import io
import struct
from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from maxsight.documents import Limits, OcrChoice, ReadSettings
from maxsight.documents.cleaning import find_words
from maxsight.documents.workers.frames import (
    Frame,
    FrameError,
    count_from_frame,
    error_from_frame,
    error_to_frame,
    image_from_frame,
    image_to_frame,
    page_from_frame,
    page_to_frame,
    read_frame,
    settings_from_fields,
    write_frame,
)
from maxsight.errors import UnreadableDocumentError, UnsupportedFormatError
from maxsight.pictures import Fit, PictureFit
from maxsight.types import Page, SourceReason, TextRun, TextSource, Words


def carried(frame: Frame) -> Frame:
    stream = io.BytesIO()
    write_frame(stream, frame)
    stream.seek(0)
    copy = read_frame(stream)
    assert copy is not None
    assert read_frame(stream) is None, "a frame ends where the next one starts"
    return copy


def test_a_page_arrives_as_it_was_sent():
    words = Words(
        np.array([[0, 4], [5, 8]], np.int32), np.array([[0, 0, 1, 1], [0.1, 0.2, 0.3, 0.4]], np.float32)
    )
    runs = (TextRun(TextSource.LAYER, 1), TextRun(TextSource.TESSERACT, 1, SourceReason.DRAWN))
    page = Page(7, "Töne \U0001d400ab", words, TextSource.TESSERACT, 612.5, 792.0, text_runs=runs)
    copy = page_from_frame(carried(page_to_frame(page)))
    assert (copy.page_index, copy.text, copy.text_source) == (7, page.text, TextSource.TESSERACT)
    assert copy.text_runs == runs
    assert (copy.width_pt, copy.height_pt) == (612.5, 792.0)
    np.testing.assert_array_equal(copy.words.spans, words.spans)
    np.testing.assert_array_equal(copy.words.boxes, words.boxes)


def test_a_page_without_boxes_and_an_empty_one_arrive_too():
    plain = Page(0, "two words", find_words("two words"), TextSource.FILE)
    copy = page_from_frame(carried(page_to_frame(plain)))
    assert copy.words.boxes is None
    assert copy.words.spans.tolist() == [[0, 3], [4, 9]]
    empty = Page(0, "", find_words(""), TextSource.NONE)
    assert len(page_from_frame(carried(page_to_frame(empty))).words) == 0


def test_a_pages_picture_arrives_as_it_was_sent_and_can_be_written_to():
    picture = np.arange(4 * 5 * 3, dtype=np.uint8).reshape(4, 5, 3)
    boxed = Words(np.array([[0, 4]], np.int32), np.array([[0, 0, 1, 1]], np.float32))
    for words in (boxed, find_words("Some")):
        page = Page(0, "Some", words, TextSource.LAYER, picture=picture)
        copy = page_from_frame(carried(page_to_frame(page)))
        assert (copy.words.boxes is None) == (words.boxes is None)
        np.testing.assert_array_equal(copy.picture, picture)
        assert copy.picture.flags.writeable


def test_a_picture_arrives_as_it_was_sent():
    image = Image.fromarray(np.arange(60, dtype=np.uint8).reshape(4, 5, 3))
    copy = image_from_frame(carried(image_to_frame(image)))
    assert (copy.size, copy.mode) == ((5, 4), "RGB")
    assert copy.tobytes() == image.tobytes()


@pytest.mark.parametrize("kind", [UnreadableDocumentError, UnsupportedFormatError])
def test_an_error_arrives_with_its_reason_and_hint(kind):
    copy = error_from_frame(carried(error_to_frame(kind("a b.pdf", "why", page_number=3, hint="what next"))))
    assert type(copy) is kind
    assert (copy.path, copy.reason, copy.page_number, copy.hint) == ("a b.pdf", "why", 3, "what next")


@pytest.mark.parametrize(
    "picture", [None, PictureFit(Fit.MULTIPLE, "lanczos", multiple_px=28, min_pixels=784, max_pixels=602112)]
)
def test_settings_arrive_as_they_were_sent(picture):
    settings = ReadSettings(
        OcrChoice.TESSERACT, 300, "pass", Limits(1, 2, 3, 4.5), picture, ocr_languages=("deu", "jpn")
    )
    assert settings_from_fields(carried(Frame(asdict(settings))).fields) == settings


@given(st.binary(min_size=1, max_size=200))
def test_noise_is_refused(noise):
    with pytest.raises(FrameError):
        read_frame(io.BytesIO(noise))


@given(st.data())
def test_a_frame_cut_short_is_refused(data):
    stream = io.BytesIO()
    write_frame(stream, page_to_frame(Page(0, "two words", find_words("two words"), TextSource.FILE)))
    whole = stream.getvalue()
    cut = data.draw(st.integers(1, len(whole) - 1))
    with pytest.raises(FrameError):
        read_frame(io.BytesIO(whole[:cut]))


def test_an_absurd_length_is_refused_before_anything_is_read():
    with pytest.raises(FrameError, match="over the limit"):
        read_frame(io.BytesIO(struct.pack(">IQ", 1 << 30, 0)))


@pytest.mark.parametrize(
    "frame",
    [
        Frame({}),
        Frame({"page": {"text": "a"}}),
        Frame({"page": 5}, (np.zeros((0, 2), np.int32),)),
        page_to_frame(Page(0, "ab", Words(np.array([[0, 9]], np.int32), None), TextSource.FILE)),
        page_to_frame(Page(0, "a\ud800", find_words("ab"), TextSource.FILE)),
        page_to_frame(Page(0, "", find_words(""), TextSource.FILE, picture=np.zeros((2, 2), np.uint8))),
        page_to_frame(Page(0, "", find_words(""), TextSource.FILE, picture=np.zeros((0, 2, 3), np.uint8))),
    ],
    ids=[
        "nothing",
        "too few fields",
        "no fields",
        "a word outside the text",
        "half a surrogate pair",
        "a picture without colours",
        "a picture without pixels",
    ],
)
def test_what_is_no_page_is_refused(frame):
    with pytest.raises(FrameError):
        page_from_frame(frame)


@pytest.mark.parametrize("count", [None, 0, -1, "3", 2.5])
def test_what_is_no_page_count_is_refused(count):
    with pytest.raises(FrameError):
        count_from_frame(Frame({"page_count": count}))


@pytest.mark.parametrize("array", [np.zeros((2, 2), np.uint8), np.zeros((2, 2, 3), np.float32)])
def test_what_is_no_picture_is_refused(array):
    with pytest.raises(FrameError):
        image_from_frame(Frame({"image": "RGB"}, (array,)))
