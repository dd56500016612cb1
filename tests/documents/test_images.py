from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont, TiffImagePlugin, features

from maxsight.documents import Limits, OcrChoice, ReadSettings, images
from maxsight.documents.formats import open_source
from maxsight.documents.images import ImageSource, to_rgb
from maxsight.errors import UnreadableDocumentError, UnsupportedFormatError
from maxsight.types import TextSource
from pdf_files import ink_under, words_of

NO_OCR = ReadSettings(ocr=OcrChoice.NONE)
RAPIDOCR = ReadSettings(ocr=OcrChoice.RAPIDOCR)


def picture_of(text: str, size: tuple[int, int] = (900, 300)) -> Image.Image:
    image = Image.new("RGB", size, "white")
    ImageDraw.Draw(image).text((60, 100), text, fill="black", font=ImageFont.load_default(48))
    return image


def write_png_header(path: Path, width: int, height: int) -> Path:
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = b"IDAT" + zlib.compress(b"\0" * 100)
    chunks = (
        struct.pack(">I", len(c) - 4) + c + struct.pack(">I", zlib.crc32(c))
        for c in (header, pixels, b"IEND")
    )
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunks))
    return path


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.tiff", "a.webp"])
def test_every_format_is_read_by_ocr(tmp_path, name):
    picture_of("Invoice number 4711").save(tmp_path / name)
    source = ImageSource(tmp_path / name, RAPIDOCR)
    page = source.read_page(0)
    assert words_of(page) == ["Invoice", "number", "4711"]
    assert page.text_source is TextSource.RAPIDOCR
    assert min(ink_under(source.render_page(0), box) for box in page.words.boxes) > 0.05
    source.close()


def test_every_frame_of_a_tiff_is_a_page(tmp_path):
    frames = [Image.new("RGB", (100 + 10 * i, 50), color) for i, color in enumerate(["red", "lime", "blue"])]
    frames[0].save(tmp_path / "a.tif", save_all=True, append_images=frames[1:])
    source = ImageSource(tmp_path / "a.tif", NO_OCR)
    assert source.page_count == 3
    pictures = [source.render_page(index) for index in (2, 0, 1)]
    assert [picture.size for picture in pictures] == [(120, 50), (100, 50), (110, 50)]
    assert [picture.getpixel((0, 0)) for picture in pictures] == [(0, 0, 255), (255, 0, 0), (0, 255, 0)]
    source.close()


def test_an_animated_webp_is_one_page(tmp_path):
    frames = [Image.new("RGB", (20, 20), color) for color in ("red", "lime")]
    frames[0].save(tmp_path / "a.webp", save_all=True, append_images=frames[1:])
    source = ImageSource(tmp_path / "a.webp", NO_OCR)
    assert source.page_count == 1
    source.close()


def test_a_photo_is_turned_as_its_exif_tag_says(tmp_path):
    image = Image.new("RGB", (60, 40), "white")
    image.paste("black", (0, 0, 10, 10))
    exif = Image.Exif()
    exif[0x0112] = 6  # turn clockwise to see it upright
    image.save(tmp_path / "a.png", exif=exif)
    source = ImageSource(tmp_path / "a.png", NO_OCR)
    seen = source.render_page(0)
    page = source.read_page(0)
    assert seen.size == (40, 60)
    assert seen.getpixel((39, 0)) == (0, 0, 0)
    assert seen.getpixel((0, 0)) == (255, 255, 255)
    assert page.width_pt / page.height_pt == pytest.approx(40 / 60)
    source.close()


@pytest.mark.parametrize(("declared", "width_pt"), [(300, 72.0), (72, 144.0), (None, 144.0)])
def test_the_page_size_follows_a_believable_resolution(tmp_path, declared, width_pt):
    settings = {"dpi": (declared, declared)} if declared else {}
    Image.new("RGB", (300, 150), "white").save(tmp_path / "a.png", **settings)
    source = ImageSource(tmp_path / "a.png", NO_OCR)
    assert source.read_page(0).width_pt == pytest.approx(width_pt, rel=0.01)
    source.close()


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (Image.new("RGBA", (2, 2), (255, 0, 0, 0)), (255, 255, 255)),
        (Image.new("LA", (2, 2), (0, 128)), (127, 127, 127)),
        (Image.new("CMYK", (2, 2), (0, 255, 255, 0)), (255, 0, 0)),
        (Image.new("1", (2, 2), 1), (255, 255, 255)),
        (Image.new("L", (2, 2), 7), (7, 7, 7)),
        (Image.fromarray(np.full((2, 2), 0x8000, np.uint16)), (127, 127, 127)),
        (Image.new("I", (2, 2), 65535), (255, 255, 255)),
        (Image.new("RGB", (2, 2), "teal").quantize(), (0, 128, 128)),
    ],
    ids=["transparent", "half transparent grey", "cmyk", "bilevel", "grey", "16 bit", "32 bit", "palette"],
)
def test_every_mode_becomes_rgb_on_white(image, expected):
    pixel = to_rgb(image).getpixel((0, 0))
    assert np.abs(np.subtract(pixel, expected)).max() <= 1


def test_float_greys_are_spread_over_the_range():
    image = Image.fromarray(np.array([[0.25, 0.75]], np.float32))
    assert [to_rgb(image).getpixel((x, 0))[0] for x in (0, 1)] == [0, 255]


def test_an_image_of_one_pixel_is_a_page_without_words(tmp_path):
    Image.new("RGB", (1, 1)).save(tmp_path / "dot.png")
    source = ImageSource(tmp_path / "dot.png", RAPIDOCR)
    page = source.read_page(0)
    assert (page.text, len(page.words), page.text_source) == ("", 0, TextSource.NONE)
    source.close()


@pytest.mark.parametrize("side", [100_000, 12_000])
def test_an_image_over_the_pixel_limit_is_refused_by_its_header(tmp_path, side):
    path = write_png_header(tmp_path / "bomb.png", side, side)
    with pytest.raises(UnreadableDocumentError, match="more than the limit of 100,000,000") as refused:
        ImageSource(path, NO_OCR)
    assert "--max-pixels" in refused.value.hint


def test_the_limit_on_pixels_is_a_setting(tmp_path):
    Image.new("RGB", (30, 30)).save(tmp_path / "a.png")
    with pytest.raises(UnreadableDocumentError, match=r"a.png: the image has 30 x 30 pixels, more than"):
        ImageSource(tmp_path / "a.png", ReadSettings(limits=Limits(max_pixels=899)))


def test_a_frame_over_the_pixel_limit_leaves_the_others(tmp_path):
    frames = [Image.new("RGB", (20, 20)), Image.new("RGB", (40, 40))]
    frames[0].save(tmp_path / "a.tif", save_all=True, append_images=frames[1:])
    source = ImageSource(tmp_path / "a.tif", ReadSettings(ocr=OcrChoice.NONE, limits=Limits(max_pixels=899)))
    assert source.render_page(0).size == (20, 20)
    with pytest.raises(UnreadableDocumentError, match=r"a.tif, page 2: the image has 40 x 40 pixels"):
        source.read_page(1)
    source.close()


def test_a_damaged_image_is_named(tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (200, 200, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "a.jpg")
    (tmp_path / "a.jpg").write_bytes((tmp_path / "a.jpg").read_bytes()[:3000])
    source = ImageSource(tmp_path / "a.jpg", NO_OCR)
    with pytest.raises(UnreadableDocumentError, match="it is damaged"):
        source.read_page(0)
    source.close()


def test_a_text_named_as_an_image_is_refused(tmp_path):
    (tmp_path / "a.png").write_text("no image")
    with pytest.raises(
        UnsupportedFormatError, match="not a PNG, JPEG, TIFF, WebP, GIF, AVIF, HEIC or JPEG 2000"
    ):
        ImageSource(tmp_path / "a.png", NO_OCR)


@pytest.mark.parametrize("name", ["a.gif", "a.avif", "a.jp2", "a.heic"])
def test_newer_and_older_formats_open_too(tmp_path, name):
    if name == "a.heic":
        pytest.importorskip("pillow_heif", reason="needs: pip install pillow-heif").register_heif_opener()
    if name == "a.avif" and not features.check("avif"):
        pytest.skip("this Pillow has no AVIF")
    frames = [picture_of("One", (64, 48)), picture_of("Two", (64, 48))]
    more = {"save_all": True, "append_images": frames[1:]} if name == "a.gif" else {}
    frames[0].save(tmp_path / name, **more)
    source = open_source(tmp_path / name, NO_OCR)
    assert (source.page_count, source.render_page(0).size) == (1, (64, 48))
    source.close()


def test_heic_without_its_plug_in_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr(images, "_readable_formats", lambda: images._FORMATS)
    (tmp_path / "a.heic").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")
    with pytest.raises(UnsupportedFormatError) as raised:
        ImageSource(tmp_path / "a.heic", NO_OCR)
    assert "pip install pillow-heif" in raised.value.hint


@pytest.mark.parametrize("first", [True, False])
def test_the_thumbnail_of_a_tiff_is_no_page(tmp_path, first):
    page, thumbnail = Image.new("L", (400, 300), 255), Image.new("L", (40, 30), 0)
    frames = [(thumbnail, 1), (page, 0)] if first else [(page, 0), (thumbnail, 1)]
    with TiffImagePlugin.AppendingTiffWriter(tmp_path / "a.tif", True) as writer:
        for image, kind in frames:
            image.save(writer, "TIFF", tiffinfo={254: kind})
            writer.newFrame()
    source = ImageSource(tmp_path / "a.tif", NO_OCR)
    assert (source.page_count, source.render_page(0).size) == (1, (400, 300))
    with pytest.raises(UnreadableDocumentError, match="there is no such page"):
        source.render_page(1)
    source.close()


def test_an_old_style_jpeg_in_a_tiff_is_named_with_what_to_do(tmp_path):
    tags = [
        (256, 4, 8),
        (257, 4, 8),
        (258, 3, 8),
        (259, 3, 6),
        (262, 3, 1),
        (273, 4, 8),
        (277, 3, 1),
        (279, 4, 9),
    ]
    entries = b"".join(
        struct.pack("<HHI", tag, kind, 1)
        + struct.pack("<I" if kind == 4 else "<HH", *([value] if kind == 4 else [value, 0]))
        for tag, kind, value in tags
    )
    (tmp_path / "a.tif").write_bytes(b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(64))
    source = ImageSource(tmp_path / "a.tif", NO_OCR)
    with pytest.raises(UnreadableDocumentError, match="JPEG of the old style") as raised:
        source.render_page(0)
    assert "tiffcp" in raised.value.hint
    source.close()


def test_white_letters_on_nothing_are_seen_on_black():
    letters = Image.new("RGBA", (40, 20), (255, 255, 255, 0))
    letters.paste((255, 255, 255, 255), (5, 5, 15, 15))
    seen = to_rgb(letters)
    assert (seen.getpixel((10, 10)), seen.getpixel((30, 10))) == ((255, 255, 255), (0, 0, 0))
    assert to_rgb(Image.new("RGBA", (4, 4), (255, 255, 255, 0))).getpixel((0, 0)) == (255, 255, 255)


def test_few_bits_of_sixteen_are_seen():
    values = np.full((20, 20), 23, np.uint16)
    values[5:10] = 20
    seen = to_rgb(Image.fromarray(values))
    assert (seen.getpixel((0, 0)), seen.getpixel((0, 7))) == ((255, 255, 255), (0, 0, 0))
