import numpy as np

from maxsight.encoders.regions import regions_of
from maxsight.types import Words


def test_a_vectors_box_is_that_of_the_word_its_piece_is_from():
    words = Words(
        np.array([[0, 5], [6, 12]], np.int32),
        np.array([[0.1, 0.1, 0.2, 0.2], [0.3, 0.1, 0.5, 0.2]], np.float32),
    )
    regions = regions_of(np.array([[0, 2], [2, 5], [6, 9]], np.int32), words)
    np.testing.assert_array_equal(regions.boxes, words.boxes[[0, 0, 1]])


def test_text_on_a_page_whose_words_have_no_boxes_has_the_whole_page_as_its_region():
    none = Words(np.zeros((0, 2), np.int32), np.zeros((0, 4), np.float32))
    regions = regions_of(np.array([[0, 2]], np.int32), none)
    np.testing.assert_array_equal(regions.boxes, [[0, 0, 1, 1]])
