from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from maxsight.documents import ReadSettings
from maxsight.documents.cleaning import find_words
from maxsight.documents.text import MAX_PAGE_WORDS, PlainTextSource, cut_pages, decode, layout_text
from maxsight.errors import UnreadableDocumentError, UnsupportedFormatError
from maxsight.types import TextSource
from pdf_files import ink_under, words_of

HERE = Path("notes.txt")


def test_a_short_text_is_one_page_with_spans_and_without_boxes(tmp_path):
    path = tmp_path / "a.md"
    path.write_bytes("# Über uns\r\n\r\nWir  suchen.\r\n".encode())
    source = PlainTextSource(path, ReadSettings())
    page = source.read_page(0)
    assert source.page_count == 1
    assert page.text == "# Über uns\n\nWir  suchen."
    assert words_of(page) == ["#", "Über", "uns", "Wir", "suchen."]
    assert page.words.boxes is None
    assert page.text_source is TextSource.FILE


def test_pages_end_at_paragraphs_and_lose_no_word():
    paragraphs = [" ".join(f"p{p}w{w}" for w in range(300)) for p in range(10)]
    pages = list(cut_pages("\n\n".join(paragraphs)))
    assert [len(page.split()) for page in pages] == [900, 900, 900, 300]
    assert "\n\n".join(pages) == "\n\n".join(paragraphs)


def test_a_long_paragraph_is_cut_after_a_sentence():
    text = " ".join(f"Sentence number {n} has six words." for n in range(400))
    pages = list(cut_pages(text))
    assert all(page.endswith(".") for page in pages)
    assert max(len(page.split()) for page in pages) <= MAX_PAGE_WORDS
    assert " ".join(pages) == text


def test_a_paragraph_without_sentences_is_cut_after_a_word():
    pages = list(cut_pages(" ".join(["word"] * 2500)))
    assert [len(page.split()) for page in pages] == [1000, 1000, 500]


def test_scripts_without_spaces_are_cut_too():
    pages = list(cut_pages("\u6f22\u5b57" * 5000))
    assert len(pages) == 5
    assert max(map(len, pages)) <= 2 * MAX_PAGE_WORDS
    assert sum(map(len, pages)) == 10_000


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
def test_half_a_surrogate_pair_becomes_a_replacement_character_and_the_rest_stays(tmp_path, encoding):
    path = tmp_path / "a.txt"
    path.write_bytes("grün \ud835 rot \udc00x blau".encode(encoding, "surrogatepass"))
    page = PlainTextSource(path, ReadSettings()).read_page(0)
    assert page.text == "grün \ufffd rot \ufffdx blau"
    assert words_of(page) == ["grün", "\ufffd", "rot", "\ufffdx", "blau"]


@pytest.mark.parametrize("text", ["", "  \n\n \n"])
def test_a_text_without_words_is_one_empty_page(text):
    assert list(cut_pages(text)) == [""]


@pytest.mark.parametrize(
    "content",
    [
        "Größe".encode(),
        b"\xef\xbb\xbf" + "Größe".encode(),
        "Größe".encode("utf-16"),
        "Größe".encode("utf-16-be").join([b"\xfe\xff", b""]),
        "Größe".encode("cp1252"),
    ],
    ids=["utf-8", "utf-8 with mark", "utf-16", "utf-16 big endian", "windows-1252"],
)
def test_the_encoding_is_found(content):
    assert decode(content, HERE) == "Größe"


def test_stray_control_characters_are_dropped():
    assert decode(b"one\x0ctwo\x1b[0m " + b"word " * 100, HERE).startswith("one\n\ntwo[0m")


@pytest.mark.parametrize("content", [b"ab\x00\x01\x02", b"%PDF-1.7\n1 0 obj", bytes(range(1, 32)) * 10])
def test_binary_content_is_refused(content):
    with pytest.raises(UnsupportedFormatError, match="binary"):
        decode(content, HERE)


def test_a_page_that_does_not_exist_is_an_error(tmp_path):
    (tmp_path / "a.txt").write_text("One.")
    with pytest.raises(UnreadableDocumentError, match="page 3: there is no such page; the file has 1"):
        PlainTextSource(tmp_path / "a.txt", ReadSettings()).read_page(2)


def test_the_drawn_text_has_its_words_where_the_boxes_say():
    text = "Heading\n\n" + "A paragraph that is long enough to be wrapped. " * 20 + "\n    indented"
    words = find_words(text)
    image, boxes = layout_text(text, words)
    assert boxes.shape == (len(words), 4)
    assert min(ink_under(image, box) for box in boxes) > 0.02
    assert boxes[:, 2].max() < 0.96, "long lines are wrapped"
    assert boxes[-1, 0] > boxes[0, 0], "indentation is kept"
    blanked = np.asarray(image.convert("L")).copy()
    for x0, y0, x1, y1 in boxes * [image.width, image.height, image.width, image.height]:
        blanked[int(y0) : int(np.ceil(y1)), int(x0) - 2 : int(np.ceil(x1)) + 2] = 255
    assert (blanked < 128).sum() == 0, "ink is left outside the boxes"


def test_an_empty_text_can_be_drawn():
    image, boxes = layout_text("", find_words(""))
    assert boxes.shape == (0, 4)
    assert image.getextrema() == ((255, 255),) * 3
