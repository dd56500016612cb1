"""Pages of plain text as pictures, and where their vectors lie in them."""

from pathlib import Path

import numpy as np
import pytest

from maxsight.documents import Limits, PageRenderer, ReadSettings
from maxsight.documents.cleaning import find_words
from maxsight.documents.text import layout_text
from maxsight.errors import InputError
from maxsight.library.drawing import draw_page
from maxsight.stores.base import IndexedPage
from maxsight.types import Document, Page, PageEmbedding, Regions, TextSource

TEXT = "Adobe is a brick.\n\n" + "It is dried in the sun for some weeks before it is laid. " * 5


def row(spans):
    page = Page(0, TEXT, find_words(TEXT), TextSource.FILE)
    regions = Regions(None, np.array(spans, np.int32))
    embedding = PageEmbedding(np.eye(len(spans), 4, dtype=np.float32), regions)
    return IndexedPage("0" * 32, Document("a.jsonl#b", "0" * 64, 1, 1, 1), page, embedding)


def test_the_box_of_a_paragraph_covers_all_its_words_and_a_part_of_a_word_has_the_box_of_its_word():
    second = TEXT.index("It is dried")
    spans = [(0, 17), (second, len(TEXT.rstrip())), (2, 4), (0, 0)]
    _, boxes = draw_page(row(spans), Path(), ReadSettings(), PageRenderer())
    words = layout_text(TEXT, find_words(TEXT))[1]
    union = np.concatenate([words[4:, :2].min(axis=0), words[4:, 2:].max(axis=0)])
    np.testing.assert_allclose(boxes[1], union, atol=1e-6)
    np.testing.assert_allclose(boxes[0], [words[0, 0], words[0, 1], words[3, 2], words[3, 3]], atol=1e-6)
    np.testing.assert_allclose(boxes[2], words[0], atol=1e-6)
    np.testing.assert_array_equal(boxes[3], [0, 0, 1, 1])


def test_a_text_too_long_for_a_picture_is_refused():
    with pytest.raises(InputError, match="more than the limit of 1,000"):
        draw_page(row([(0, 17)]), Path(), ReadSettings(limits=Limits(max_pixels=1000)), PageRenderer())
