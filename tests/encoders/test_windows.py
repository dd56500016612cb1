import numpy as np
import pytest

from maxsight.encoders.minilm.windows import FIRST, LAST, batch_windows, cut_windows, pad


def test_a_text_is_cut_into_full_windows_and_a_rest_each_between_the_special_tokens():
    windows = cut_windows(np.arange(1000, 1007), length=5)
    assert [window.tolist() for window in windows] == [
        [FIRST, 1000, 1001, 1002, LAST],
        [FIRST, 1003, 1004, 1005, LAST],
        [FIRST, 1006, LAST],
    ]


def test_an_empty_text_has_no_windows():
    assert cut_windows(np.arange(0), length=5) == []


@pytest.mark.parametrize("max_tokens", [1, 6, 10, 100])
def test_every_window_is_in_one_batch_and_no_batch_is_too_large(max_tokens):
    windows = [np.zeros(length, np.int64) for length in (3, 6, 2, 6, 5, 1)]
    batches = list(batch_windows(windows, max_tokens))
    assert sorted(index for batch in batches for index in batch) == list(range(6))
    for batch in batches:
        assert len(batch) == 1 or len(batch) * max(len(windows[index]) for index in batch) <= max_tokens


def test_windows_of_like_length_share_a_batch():
    windows = [np.zeros(length, np.int64) for length in (2, 6, 2, 6)]
    assert list(batch_windows(windows, 12)) == [[1, 3], [0, 2]]


def test_padding_is_masked():
    ids, mask = pad([np.array([7, 8, 9]), np.array([7])])
    assert ids.tolist() == [[7, 8, 9], [7, 0, 0]]
    assert mask.tolist() == [[1, 1, 1], [1, 0, 0]]
