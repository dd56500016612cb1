"""Pages with the picture an encoder asks for, read as every page is: in worker processes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pypdfium2 as pdfium
import pytest
from PIL import Image, ImageDraw, ImageFont

from maxsight.documents import (
    Failed,
    Limits,
    OcrChoice,
    PageFailed,
    PageRead,
    ReadJob,
    ReadSettings,
    read_documents,
)
from maxsight.documents.cleaning import find_words
from maxsight.documents.ocr import choosing as ocr_module
from maxsight.documents.pdf import PdfSource
from maxsight.documents.reading import READ_AHEAD_BYTES
from maxsight.documents.text import layout_text
from maxsight.documents.workers.frames import page_to_frame
from maxsight.documents.workers.pool import LostPageError, WorkerPool
from maxsight.documents.workers.process import WorkerProcess
from maxsight.pictures import Fit, PictureFit
from maxsight.types import Page, TextSource
from pdf_files import raw_pdf, stream, write_pdf, write_scan

SQUARE = PictureFit(Fit.STRETCH, "bicubic", height_px=448, width_px=448)
MULTIPLES = PictureFit(Fit.MULTIPLE, "bicubic", multiple_px=28, min_pixels=4 * 28**2, max_pixels=768 * 28**2)


def settings(picture: PictureFit | None, **others: object) -> ReadSettings:
    return ReadSettings(**{"ocr": OcrChoice.NONE, "picture": picture, **others})


def read(path: Path, given: ReadSettings) -> list[Page]:
    events = list(read_documents([ReadJob(path)], given, workers=1))
    assert not [event for event in events if isinstance(event, PageFailed | Failed)]
    return [event.page for event in events if isinstance(event, PageRead)]


def failures(path: Path, given: ReadSettings) -> dict[int, str]:
    events = read_documents([ReadJob(path)], given, workers=1)
    return {event.error.page_number: event.error for event in events if isinstance(event, PageFailed)}


def stretched(image: Image.Image) -> np.ndarray:
    return np.asarray(image.convert("RGB").resize((448, 448), Image.Resampling.BICUBIC))


def photo(size: tuple[int, int]) -> Image.Image:
    """A picture in which no part looks like another."""
    rows, columns = np.mgrid[: size[1], : size[0]]
    pixels = np.stack([rows * 255 / size[1], columns * 255 / size[0], (rows + columns) % 256], axis=2)
    return Image.fromarray(pixels.astype(np.uint8))


@pytest.mark.parametrize("dpi", [100, 150])
def test_a_pdf_pages_picture_is_the_page_drawn_and_fitted(tmp_path, dpi):
    path = write_pdf(
        tmp_path / "a.pdf", [[(72, 144, "First")], [(72, 300, "Second page"), (300, 500, "of it")]]
    )
    pages = read(path, settings(SQUARE, dpi=dpi))
    document = pdfium.PdfDocument(path)
    for page, drawn in zip(pages, document, strict=True):
        by_hand = stretched(drawn.render(scale=dpi / 72, rev_byteorder=True).to_pil())
        np.testing.assert_array_equal(page.picture, by_hand)
        drawn.close()
    document.close()
    assert [page.text for page in pages] == ["First", "Second page\nof it"]
    assert not np.array_equal(pages[0].picture, pages[1].picture)


def test_an_images_picture_is_upright_and_of_its_own_resolution(tmp_path):
    image = photo((900, 600))
    exif = Image.Exif()
    exif[0x0112] = 6  # turn clockwise to see it upright
    image.save(tmp_path / "a.png", exif=exif)
    (page,) = read(tmp_path / "a.png", settings(SQUARE))
    np.testing.assert_array_equal(page.picture, stretched(image.transpose(Image.Transpose.ROTATE_270)))


def test_every_frame_of_a_tiff_has_its_own_picture(tmp_path):
    frames = [photo((300, 200)), photo((200, 310))]
    frames[0].save(tmp_path / "a.tif", save_all=True, append_images=frames[1:])
    pages = read(tmp_path / "a.tif", settings(SQUARE))
    for page, frame in zip(pages, frames, strict=True):
        np.testing.assert_array_equal(page.picture, stretched(frame))


def test_a_texts_picture_is_the_text_laid_out(tmp_path):
    text = "A heading\n\n" + "Some words to be laid out. " * 40
    (tmp_path / "a.md").write_text(text)
    (page,) = read(tmp_path / "a.md", settings(SQUARE))
    np.testing.assert_array_equal(
        page.picture, stretched(layout_text(text.strip(), find_words(text.strip()))[0])
    )
    assert page.words.boxes is None


def test_a_picture_that_is_fitted_to_multiples_keeps_its_shape(tmp_path):
    image = photo((1000, 500))
    image.save(tmp_path / "a.png")
    (page,) = read(tmp_path / "a.png", settings(MULTIPLES))
    assert page.picture.shape == (
        504,
        1008,
        3,
    )  # 500 and 1000 rounded to 28s: 508,032 pixels, within the limits
    np.testing.assert_array_equal(page.picture, image.resize((1008, 504), Image.Resampling.BICUBIC))


def test_nothing_is_drawn_where_no_picture_is_asked_for(tmp_path, monkeypatch):
    path = write_pdf(tmp_path / "a.pdf", [[(72, 144, "Words")]])
    monkeypatch.setattr(PdfSource, "_render", lambda *_: pytest.fail("the page was drawn"))
    source = PdfSource(path, settings(None))
    assert source.read_page(0).picture is None
    source.close()


def test_a_page_that_needs_ocr_is_drawn_once(tmp_path, monkeypatch):
    path = write_scan(tmp_path / "a.pdf", photo((300, 400)))
    drawn, looked_at = [], []
    render = PdfSource._render

    def count(source, *arguments):
        drawn.append(render(source, *arguments))
        return drawn[-1]

    def look_at(image, _settings, script):
        looked_at.append(image.size)
        return []

    monkeypatch.setattr(PdfSource, "_render", count)
    monkeypatch.setattr(ocr_module, "read_upright", look_at)
    source = PdfSource(path, settings(SQUARE, ocr=OcrChoice.RAPIDOCR))
    page = source.read_page(0)
    source.close()
    assert len(drawn) == 1
    assert looked_at == [drawn[0].size]
    np.testing.assert_array_equal(page.picture, stretched(drawn[0]))


def test_the_words_of_a_scan_come_with_its_picture(tmp_path):
    image = Image.new("RGB", (850, 1100), "white")
    ImageDraw.Draw(image).text(
        (100, 200), "Invoice number 4711", fill="black", font=ImageFont.load_default(48)
    )
    (page,) = read(write_scan(tmp_path / "a.pdf", image), settings(SQUARE, ocr=OcrChoice.RAPIDOCR, dpi=100))
    assert page.text == "Invoice number 4711"
    assert page.text_source is TextSource.RAPIDOCR
    assert page.picture.shape == (448, 448, 3)


def test_a_page_too_large_to_be_drawn_is_named_and_the_others_have_their_pictures(tmp_path):
    """Page 2 measures 200 x 200 inches: 51,840,000 pixels even at 36 dpi. Its text layer alone can be read."""
    text = stream(b"BT /F1 24 Tf 20 100 Td (Words) Tj ET")
    pages = b"".join(b"%d 0 R " % number for number in (3, 4, 5))
    kept = (
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %d %d] /Contents 6 0 R"
        b" /Resources << /Font << /F1 7 0 R >> >> >>"
    )
    pdf = raw_pdf(
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [%s] /Count 3 >>" % pages,
        kept % (300, 200),
        kept % (14400, 14400),
        kept % (300, 200),
        text,
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    )
    (tmp_path / "a.pdf").write_bytes(pdf)
    limits = Limits(max_pixels=10_000_000)
    assert [page.text for page in read(tmp_path / "a.pdf", settings(None, limits=limits))] == ["Words"] * 3
    events = list(read_documents([ReadJob(tmp_path / "a.pdf")], settings(SQUARE, limits=limits), workers=1))
    assert [event.page.page_number for event in events if isinstance(event, PageRead)] == [1, 3]
    (failed,) = [event.error for event in events if isinstance(event, PageFailed)]
    assert failed.page_number == 2
    assert failed.reason.startswith("the page is 200 x 200 inches, more than 10,000,000 pixels")


def test_a_text_that_would_be_drawn_too_large_is_named(tmp_path):
    (tmp_path / "a.txt").write_text("word\n\n\n" * 900)
    errors = failures(tmp_path / "a.txt", settings(SQUARE, limits=Limits(max_pixels=10_000_000)))
    assert list(errors) == [1]
    assert errors[1].reason.startswith("the text drawn has 1,240 x ")
    assert "--max-pixels" in errors[1].hint


def test_a_picture_too_narrow_for_the_encoder_is_named(tmp_path):
    photo((1000, 3)).save(tmp_path / "line.png")
    errors = failures(tmp_path / "line.png", settings(MULTIPLES))
    assert errors[1].path == str(tmp_path / "line.png")
    assert errors[1].reason.startswith("the picture is 1000 x 3 pixels")


def test_fewer_pages_are_read_ahead_where_their_pictures_are_large(tmp_path):
    path = write_pdf(tmp_path / "a.pdf", [[(72, 144, "Words")]])

    def taken_at_first(picture: PictureFit | None) -> int:
        taken = 0

        def jobs():
            nonlocal taken
            for _ in range(100):
                taken += 1
                yield ReadJob(path)

        events = read_documents(jobs(), settings(picture, dpi=36), workers=1)
        next(events)
        events.close()
        return taken

    edge = int((READ_AHEAD_BYTES / 3 / 4) ** 0.5)  # four such pictures are as much as may wait
    assert taken_at_first(None) == 33
    assert taken_at_first(SQUARE) == 33
    assert taken_at_first(PictureFit(Fit.LONGEST_EDGE, longest_edge_px=edge)) == 5
    assert taken_at_first(PictureFit(Fit.MULTIPLE, multiple_px=28, max_pixels=edge * edge)) == 5


def test_a_worker_that_leaves_the_picture_out_is_not_believed(tmp_path, monkeypatch):
    bare = Page(0, "Words", find_words("Words"), TextSource.FILE)
    monkeypatch.setattr(WorkerProcess, "ask", lambda *_, **__: page_to_frame(bare))
    (tmp_path / "a.txt").write_text("Words")
    pool = WorkerPool(settings(SQUARE), 1)
    try:
        assert isinstance(pool.submit("read", tmp_path / "a.txt", 0).result(timeout=20), LostPageError)
    finally:
        pool.close()
