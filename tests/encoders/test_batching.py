"""Batches of similar length. No item is lost, and each group gets its own results."""

import numpy as np
import pytest

from maxsight.encoders.batching import BatchLimit, Work, pad, run_together


def taken(work, limit):
    batches = []
    while batch := work.take(limit):
        batches.append(batch)
    return batches


def test_pages_of_like_length_share_a_batch_the_longest_first():
    """At most 100 tokens with padding: 50 and 40 fit, 30 x 3 and 20 do not."""
    work = Work([20, 50, 30, 40, 30, 30])
    assert taken(work, BatchLimit(tokens=100, items=8)) == [[1, 3], [2, 4, 5], [0]]


def test_a_batch_holds_no_more_pages_than_allowed():
    assert taken(Work([10] * 5), BatchLimit(tokens=1000, items=2)) == [[0, 1], [2, 3], [4]]


def test_a_page_longer_than_the_limit_comes_alone():
    assert taken(Work([500, 10]), BatchLimit(tokens=100, items=8)) == [[0], [1]]


def test_few_pages_are_shared_among_the_devices():
    assert taken(Work([10] * 8, devices=4), BatchLimit(tokens=1000, items=8)) == [
        [0, 1],
        [2, 3],
        [4, 5],
        [6, 7],
    ]


@pytest.mark.parametrize("max_tokens", [1, 6, 10, 100])
def test_every_window_is_in_one_batch_and_no_batch_is_too_large(max_tokens):
    lengths = (3, 6, 2, 6, 5, 1)
    batches = taken(Work(lengths), BatchLimit(max_tokens, len(lengths)))
    assert sorted(index for batch in batches for index in batch) == list(range(6))
    for batch in batches:
        assert len(batch) == 1 or len(batch) * max(lengths[index] for index in batch) <= max_tokens


def test_windows_of_like_length_share_a_batch():
    assert taken(Work([2, 6, 2, 6]), BatchLimit(12, 4)) == [[1, 3], [0, 2]]


def test_each_group_gets_its_own_results_of_one_run():
    runs = []

    def lengths_of(words):
        runs.append(words)
        return map(len, words)

    assert run_together([["a", "bc"], [], ["def"]], lengths_of) == [[1, 2], [], [3]]
    assert runs == [["a", "bc", "def"]]


def test_padding_is_masked():
    ids, mask = pad([np.array([7, 8, 9]), np.array([7])])
    assert ids.tolist() == [[7, 8, 9], [7, 0, 0]]
    assert mask.tolist() == [[1, 1, 1], [1, 0, 0]]
