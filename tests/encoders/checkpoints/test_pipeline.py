"""Running out of memory without losing a page, and several devices on the work of one call."""

import os
import signal
import time
from threading import Event

import pytest

pytest.importorskip("torch", reason="the extra 'colpali' is not installed")

import torch
from hypothesis import given
from hypothesis import strategies as st

from maxsight.encoders.batching import BatchLimit, Work
from maxsight.encoders.checkpoints.pipeline import device_errors_translated, run_batches, share
from maxsight.errors import EncoderError, EncoderOutOfMemoryError


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


@given(
    lengths=st.lists(st.integers(1, 100), max_size=60),
    tokens=st.integers(1, 500),
    items=st.integers(1, 20),
    holds=st.integers(100, 500),
)
def test_every_page_is_encoded_once_whatever_the_memory_holds(lengths, tokens, items, holds):
    results, _, _ = run(lengths, BatchLimit(tokens, items), holds)
    assert sorted(results) == sorted((position, f"page {position}") for position in range(len(lengths)))


def test_out_of_memory_halves_the_batch_and_the_size_that_works_is_kept():
    """16 pages of 10 tokens, 45 tokens of memory: 16 fails, 8 fails, 4 works, and so do all after."""
    limit = BatchLimit(tokens=1000, items=16)
    results, tried, released = run([10] * 16, limit, holds=45)
    assert len(results) == 16
    assert tried == [16, 8, 4, 4, 4, 4]
    assert released == [1, 2], "after each failure memory is given back before the next try"
    assert (limit.items, limit.tokens) == (4, 40)


def test_a_batch_prepared_ahead_is_cut_again_when_the_one_before_it_fails():
    """Its size failed too: it would only fail again."""
    _, tried, _ = run([10] * 8, BatchLimit(tokens=1000, items=4), holds=25)
    assert tried == [4, 2, 2, 2, 2]


def test_a_single_page_that_is_too_much_is_one_clear_error():
    with pytest.raises(EncoderOutOfMemoryError, match="a single page") as failure:
        run([10, 10, 99], BatchLimit(tokens=1000, items=4), holds=25)
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
    """So a GPU computes while earlier results are copied."""
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
def test_every_out_of_memory_error_is_recognised(error):
    with pytest.raises(EncoderOutOfMemoryError), device_errors_translated():
        raise error


def test_the_cpus_out_of_memory_error_is_recognised():
    with pytest.raises(EncoderOutOfMemoryError), device_errors_translated():
        allocate_more_than_there_is()


def test_another_failure_of_the_device_is_named_and_not_retried():
    with pytest.raises(EncoderError, match="an illegal memory access was encountered") as failure:
        with device_errors_translated():
            raise RuntimeError("CUDA error: an illegal memory access was encountered\nmore lines")
    assert not isinstance(failure.value, EncoderOutOfMemoryError)
    assert "more lines" not in str(failure.value)


ONE_PAGE = BatchLimit(tokens=1, items=1)


def worker(work, at_each):
    while positions := work.take(ONE_PAGE):
        at_each(*positions)
        yield positions[0], f"page {positions[0]}"


def test_results_are_in_the_order_of_the_pages_on_any_number_of_devices():
    work = Work([1] * 20, devices=2)
    shared = share(work, [worker(work, lambda position: time.sleep(position % 3 / 1000)) for _ in range(2)])
    assert shared == [f"page {position}" for position in range(20)]


def test_an_error_on_one_device_stops_all():
    def fail(position):
        if position == 3:
            raise ValueError("broken")
        seen.append(position)
        time.sleep(0.001)

    seen, work = [], Work([1] * 500, devices=2)
    with pytest.raises(ValueError, match="broken"):
        share(work, [worker(work, fail) for _ in range(2)])
    assert len(seen) < 500


@pytest.mark.skipif(os.name == "nt", reason="sends a POSIX signal")
def test_ctrl_c_waits_only_for_the_pages_that_are_being_encoded():
    def press_ctrl_c(position):
        if position == 3:
            os.kill(os.getpid(), signal.SIGINT)
        seen.append(position)
        time.sleep(0.01)

    seen, work = [], Work([1] * 1000, devices=2)
    with pytest.raises(KeyboardInterrupt):
        share(work, [worker(work, press_ctrl_c) for _ in range(2)])
    assert len(seen) < 500
