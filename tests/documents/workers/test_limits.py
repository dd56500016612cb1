"""A small file that unfolds to gigabytes, loops or claims thousands of pages is named, and the next file is read."""

import struct
import sys
import zlib
from dataclasses import asdict, replace
from io import BytesIO

import pytest
from PIL import Image

from maxsight.documents import Limits, OcrChoice, ReadSettings
from maxsight.documents.events import Done, Failed, PageFailed, PageRead, ReadJob
from maxsight.documents.reading import read_documents
from maxsight.documents.workers.frames import Frame, page_from_frame
from maxsight.documents.workers.process import WorkerLostError, WorkerProcess, memory_bytes
from maxsight.pictures import Fit, PictureFit
from pdf_files import raw_pdf, stream

MEMORY = 400_000_000
SETTINGS = ReadSettings(ocr=OcrChoice.NONE, limits=Limits(max_memory_bytes=MEMORY, page_timeout_s=60))


def pdf(*objects, count=1):
    """A PDF of one page, or of as many as it claims."""
    pages = b"<</Type/Pages/Kids[3 0 R]/Count %d>>" % count
    return raw_pdf(b"<</Type/Catalog/Pages 2 0 R>>", pages, *objects)


def page_with(image):
    draw = stream(b"q 600 0 0 600 0 0 cm /I Do Q")
    page = (
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Resources<</XObject<</I 5 0 R>>>>>>"
    )
    return pdf(page, draw, image)


def squeezed(size_bytes):
    """Zeros, deflated."""
    packer = zlib.compressobj(9)
    parts = [packer.compress(bytes(2**20)) for _ in range(size_bytes // 2**20)]
    return b"".join([*parts, packer.flush()])


def picture_fields(width, height, rest):
    kind = b"/Type/XObject/Subtype/Image/Width %d/Height %d/BitsPerComponent 8/ColorSpace/DeviceRGB%b"
    return kind % (width, height, rest)


def nested():
    """Content that is deflated twice: a few kilobytes become 900 MB."""
    filters = b"/Filter[/FlateDecode/FlateDecode]"
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R>>"
    return pdf(page, stream(zlib.compress(squeezed(900 * 2**20), 9), filters))


def flate_picture():
    fields = picture_fields(17_000, 17_000, b"/Filter[/FlateDecode/FlateDecode]")
    return page_with(stream(zlib.compress(squeezed(900 * 2**20), 9), fields))


def jpx():
    """A JPEG 2000 picture whose header claims 40,000 x 40,000 pixels."""
    made = BytesIO()
    Image.new("RGB", (64, 64)).save(made, "JPEG2000", no_jp2=True)
    content = bytearray(made.getvalue())
    size = content.index(b"\xff\x51") + 6
    struct.pack_into(">II", content, size, 40_000, 40_000)
    struct.pack_into(">II", content, size + 16, 40_000, 40_000)
    return page_with(stream(bytes(content), picture_fields(40_000, 40_000, b"/Filter/JPXDecode")))


def jbig2():
    """A JBIG2 picture of one segment: a page of 60,000 x 60,000 pixels."""
    information = struct.pack(">IIIIBH", 60_000, 60_000, 0, 0, 0, 0)
    segment = struct.pack(">IBBBI", 0, 48, 0, 1, len(information)) + information
    fields = b"/Type/XObject/Subtype/Image/Width 60000/Height 60000/BitsPerComponent 1/ColorSpace/DeviceGray"
    return page_with(stream(segment, fields + b"/Filter/JBIG2Decode"))


@pytest.mark.skipif(memory_bytes(1) == 0, reason="only Linux says what a process takes")
@pytest.mark.parametrize("bomb", [nested, flate_picture, jpx, jbig2])
def test_a_bomb_takes_no_more_memory_than_it_may_and_the_next_file_is_read(tmp_path, bomb, monkeypatch):
    (tmp_path / "bomb.pdf").write_bytes(bomb())
    (tmp_path / "good.md").write_text("A lighthouse.")
    assert (tmp_path / "bomb.pdf").stat().st_size < 10_000
    seen = []

    def look(pid):
        seen.append(memory_bytes(pid))
        return seen[-1]

    monkeypatch.setattr("maxsight.documents.workers.process.memory_bytes", look)
    fit = PictureFit(Fit.STRETCH, height_px=256, width_px=256)
    drawn = replace(SETTINGS, picture=fit)
    jobs = [ReadJob(tmp_path / "bomb.pdf"), ReadJob(tmp_path / "good.md")]
    events = list(read_documents(jobs, drawn, workers=1))
    for event in events:
        if isinstance(event, Failed | PageFailed) and "memory" in event.error.reason:
            assert event.error.reason == f"it needs more than {MEMORY:,} bytes of memory"
            assert "--max-memory" in event.error.hint
    assert [event.page.text for event in events if isinstance(event, PageRead)][-1] == "A lighthouse."
    assert sum(size > MEMORY for size in seen) <= 1, "the first look over the limit ends the worker"
    assert max(seen, default=0) < 3 * MEMORY


def test_a_file_that_claims_thousands_of_pages_is_one_problem(tmp_path):
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]>>"
    (tmp_path / "claims.pdf").write_bytes(pdf(page, count=5000))
    assert (tmp_path / "claims.pdf").stat().st_size < 600
    events = list(read_documents([ReadJob(tmp_path / "claims.pdf")], SETTINGS, workers=1))
    (failed,) = (event.error for event in events if isinstance(event, PageFailed))
    assert (failed.page_number, failed.reason.partition(" (")[2]) == (
        2,
        "4,999 pages in a row, to page 5000)",
    )
    assert sum(isinstance(event, PageRead) for event in events) == 1
    assert isinstance(events[-1], Done)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
def test_a_page_that_takes_too_much_processor_time_is_named(tmp_path):
    level = b"<</Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</X %d 0 R>>>>/Length 70>>"
    forms = [level % (number + 6) + b"\nstream\n" + b"/X Do  " * 10 + b"\nendstream" for number in range(20)]
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents 4 0 R/Resources<</XObject<</X 5 0 R>>>>>>"
    (tmp_path / "endless.pdf").write_bytes(pdf(page, stream(b"/X Do"), *forms, stream(b"")))
    fields = asdict(replace(SETTINGS, limits=Limits(page_timeout_s=0.1)))
    worker = WorkerProcess()
    worker.wait_until_ready()
    with pytest.raises(WorkerLostError, match="it takes too much processor time") as error:
        path = str(tmp_path / "endless.pdf")
        worker.ask(Frame({"ask": "read", "path": path, "page_index": 0, "settings": fields}), Limits())
    assert error.value.is_over_limit


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
@pytest.mark.parametrize("timeout_s", [1e6, float("inf")])
def test_a_page_may_have_more_time_than_the_system_gives_a_process(tmp_path, timeout_s, monkeypatch):
    import resource

    from maxsight.documents.workers.worker import Answers

    set_to = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (100_000, 100_000))
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: set_to.append(limits))
    (tmp_path / "a.md").write_text("A lighthouse.")
    fields = asdict(replace(SETTINGS, limits=Limits(page_timeout_s=timeout_s)))
    request = {"ask": "read", "path": str(tmp_path / "a.md"), "page_index": 0, "settings": fields}
    assert page_from_frame(Answers().answer(Frame(request))).text == "A lighthouse."
    assert set_to == [(100_000, 100_000)]
