import numpy as np

from maxsight.encoders.regions import token_regions
from maxsight.types import Words


def test_a_vectors_box_is_that_of_the_word_its_token_is_from():
    words = Words(
        np.array([[0, 5], [6, 12]], np.int32),
        np.array([[0.1, 0.1, 0.2, 0.2], [0.3, 0.1, 0.5, 0.2]], np.float32),
    )
    regions = token_regions(np.array([[0, 2], [2, 5], [6, 9]], np.int32), words)
    np.testing.assert_array_equal(regions.boxes, words.boxes[[0, 0, 1]])


def test_text_on_a_page_whose_words_have_no_boxes_has_the_whole_page_as_its_region():
    none = Words(np.zeros((0, 2), np.int32), np.zeros((0, 4), np.float32))
    regions = token_regions(np.array([[0, 2]], np.int32), none)
    np.testing.assert_array_equal(regions.boxes, [[0, 0, 1, 1]])


def test_a_token_that_stands_for_no_text_stands_for_the_whole_page():
    spans = np.array([[0, 0], [0, 2]], np.int32)
    boxes = np.array([[0.1, 0.1, 0.2, 0.2]], np.float32)
    on_a_page = token_regions(spans, Words(np.array([[0, 5]], np.int32), boxes))
    np.testing.assert_array_equal(on_a_page.boxes, [[0, 0, 1, 1], boxes[0]])
    in_plain_text = token_regions(spans, Words(np.array([[0, 5]], np.int32), None))
    for regions in (on_a_page, in_plain_text):
        assert regions.whole_page.tolist() == [True, False]
