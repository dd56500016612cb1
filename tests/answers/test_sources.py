"""The text and pictures that a model gets."""

import functools
import io

import pytest
from PIL import Image

from maxsight import Library
from maxsight.answers.crops import PICTURE_EDGE_PX
from maxsight.answers.sources import MAX_TEXT_CHARS, draw_for_reading, gather_sources
from pdf_files import write_pdf


@pytest.fixture
def library(tmp_path):
    write_pdf(tmp_path / "report.pdf", [[(72, 100, "Net sales rose.")], [(72, 100, "Costs of cider fell.")]])
    (tmp_path / "long.txt").write_text("orchard-cider " * 900)
    with Library.create(tmp_path / "test.library", encoder="fake") as library:
        library.index([tmp_path / "report.pdf", tmp_path / "long.txt"])
        yield library


def gathered(library, **options):
    draw = functools.partial(draw_for_reading, library)
    hits = library.search("net sales", **options)
    return gather_sources(hits, library.page, draw)


def test_pages_are_numbered_as_they_were_found_and_come_with_text_and_picture(library):
    first, second = gathered(library, where="file = 'report.pdf'")
    assert (first.number, first.path, first.page_number, first.text) == (
        1,
        "report.pdf",
        1,
        "Net sales rose.",
    )
    assert (second.number, second.page_number) == (2, 2)
    with Image.open(io.BytesIO(first.picture)) as picture:
        assert picture.format == "JPEG" and max(picture.size) == PICTURE_EDGE_PX


def test_a_page_whose_file_is_gone_is_shown_as_text(library, tmp_path):
    (tmp_path / "report.pdf").unlink()
    first, _ = gathered(library, where="file = 'report.pdf'")
    assert (first.text, first.picture) == ("Net sales rose.", None)


def test_a_long_page_is_cut(library):
    (source,) = gathered(library, where="file = 'long.txt'")
    assert len(source.text) == MAX_TEXT_CHARS + 2 and source.text.endswith(" …")
