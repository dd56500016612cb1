"""Batches of like length, and running out of memory without losing a page."""

from threading import Event

import pytest

pytest.importorskip("torch", reason="the extra 'colpali' is not installed")

import torch
from hypothesis import given
from hypothesis import strategies as st

from maxsight.encoders.checkpoints.batching import BatchLimit, Work, device_errors_translated, run_batches
from maxsight.errors import EncoderError, EncoderOutOfMemoryError


def taken(work, limit):
    batches = []
    while batch := work.take(limit):
        batches.append(batch)
    return batches


def allocate_more_than_there_is():
    """What a real allocator says when there is no memory: 4 exabytes."""
    return torch.empty(1 << 60)


def run(lengths, limit, holds):
    """Run pages through batches on a device that holds so many tokens; return results and sizes of batches tried."""
    tried, released = [], []

    def launch(positions):
        tried.append(len(positions))
        if max(lengths[position] for position in positions) * len(positions) > holds:
            allocate_more_than_there_is()
        return lambda: [f"page {position}" for position in positions]

    results = list(
        run_batches(Work(lengths), limit, list, launch, release=lambda: released.append(len(tried)))
    )
    return results, tried, released


def test_pages_of_like_length_share_a_batch_the_longest_first():
    """At most 100 tokens with padding: 50 and 40 fit, 30 x 3 and 20 do not."""
    work = Work([20, 50, 30, 40, 30, 30])
    assert taken(work, BatchLimit(tokens=100, pages=8)) == [[1, 3], [2, 4, 5], [0]]


def test_a_batch_holds_no_more_pages_than_allowed():
    assert taken(Work([10] * 5), BatchLimit(tokens=1000, pages=2)) == [[0, 1], [2, 3], [4]]


def test_a_page_longer_than_the_limit_comes_alone():
    assert taken(Work([500, 10]), BatchLimit(tokens=100, pages=8)) == [[0], [1]]


def test_few_pages_are_shared_among_the_devices():
    assert taken(Work([10] * 8, devices=4), BatchLimit(tokens=1000, pages=8)) == [
        [0, 1],
        [2, 3],
        [4, 5],
        [6, 7],
    ]


@given(
    lengths=st.lists(st.integers(1, 100), max_size=60),
    tokens=st.integers(1, 500),
    pages=st.integers(1, 20),
    holds=st.integers(100, 500),
)
def test_every_page_is_encoded_once_whatever_the_memory_holds(lengths, tokens, pages, holds):
    results, _, _ = run(lengths, BatchLimit(tokens, pages), holds)
    assert sorted(results) == sorted((position, f"page {position}") for position in range(len(lengths)))


def test_out_of_memory_halves_the_batch_and_the_size_that_works_is_kept():
    """16 pages of 10 tokens, 45 tokens of memory: 16 fails, 8 fails, 4 works, and so do all after."""
    limit = BatchLimit(tokens=1000, pages=16)
    results, tried, released = run([10] * 16, limit, holds=45)
    assert len(results) == 16
    assert tried == [16, 8, 4, 4, 4, 4]
    assert released == [1, 2], "after each failure memory is given back before the next try"
    assert (limit.pages, limit.tokens) == (4, 40)


def test_the_batch_prepared_ahead_is_cut_anew_when_the_one_before_it_fails():
    """Its size failed too: it would only fail again."""
    _, tried, _ = run([10] * 8, BatchLimit(tokens=1000, pages=4), holds=25)
    assert tried == [4, 2, 2, 2, 2]


def test_a_single_page_that_is_too_much_is_one_clear_error():
    with pytest.raises(EncoderOutOfMemoryError, match="a single page") as failure:
        run([10, 10, 99], BatchLimit(tokens=1000, pages=4), holds=25)
    assert "--dtype" in failure.value.hint
    assert "--device cpu" in failure.value.hint
    assert isinstance(failure.value.__cause__, RuntimeError)


def test_out_of_memory_while_preparing_halves_the_batch_too():
    def prepare(positions):
        if len(positions) > 2:
            raise MemoryError
        return positions

    results = list(
        run_batches(
            Work([1] * 5),
            BatchLimit(100, 4),
            prepare,
            lambda positions: lambda: positions,
            release=lambda: None,
        )
    )
    assert sorted(results) == [(position, position) for position in range(5)]


def test_the_next_batch_is_prepared_while_one_is_computed():
    prepared_second = Event()

    def prepare(positions):
        if positions == [1]:
            prepared_second.set()
        return positions

    def launch(positions):
        assert prepared_second.wait(timeout=10), "the second batch waits for the first"
        return lambda: positions

    assert dict(run_batches(Work([2, 1]), BatchLimit(100, 1), prepare, launch, release=lambda: None)) == {
        0: 0,
        1: 1,
    }


def test_results_are_collected_after_the_next_batch_is_launched():
    """So a GPU computes while what it has done before is copied."""
    happened = []

    def launch(positions):
        happened.append(f"launch {positions[0]}")

        def collect():
            happened.append(f"collect {positions[0]}")
            return positions

        return collect

    list(run_batches(Work([3, 2, 1]), BatchLimit(100, 1), list, launch, release=lambda: None))
    assert happened == ["launch 0", "launch 1", "collect 0", "launch 2", "collect 1", "collect 2"]


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        RuntimeError("MPS backend out of memory (MPS allocated: 5.00 GB)"),
        MemoryError(),
    ],
    ids=["cuda", "mps", "host"],
)
def test_every_way_to_say_out_of_memory_is_understood(error):
    with pytest.raises(EncoderOutOfMemoryError), device_errors_translated():
        raise error


def test_the_cpus_own_way_to_say_out_of_memory_is_understood():
    with pytest.raises(EncoderOutOfMemoryError), device_errors_translated():
        allocate_more_than_there_is()


def test_another_failure_of_the_device_is_named_and_not_retried():
    with pytest.raises(EncoderError, match="an illegal memory access was encountered") as failure:
        with device_errors_translated():
            raise RuntimeError("CUDA error: an illegal memory access was encountered\nmore lines")
    assert not isinstance(failure.value, EncoderOutOfMemoryError)
    assert "more lines" not in str(failure.value)
