"""Several devices on the work of one call, and what stops them."""

import os
import signal
import time

import pytest

pytest.importorskip("torch", reason="the extra 'colpali' is not installed")

from maxsight.encoders.checkpoints.batching import BatchLimit, Work
from maxsight.encoders.checkpoints.sharing import share

ONE_PAGE = BatchLimit(tokens=1, pages=1)


def worker(work, at_each):
    while positions := work.take(ONE_PAGE):
        at_each(*positions)
        yield positions[0], f"page {positions[0]}"


def test_results_are_in_the_order_of_the_pages_whoever_made_them():
    work = Work([1] * 20, devices=2)
    shared = share(work, [worker(work, lambda position: time.sleep(position % 3 / 1000)) for _ in range(2)])
    assert shared == [f"page {position}" for position in range(20)]


def test_what_stops_one_device_stops_all():
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
def test_ctrl_c_waits_for_the_pages_at_work_and_not_for_all():
    def press_ctrl_c(position):
        if position == 3:
            os.kill(os.getpid(), signal.SIGINT)
        seen.append(position)
        time.sleep(0.01)

    seen, work = [], Work([1] * 1000, devices=2)
    with pytest.raises(KeyboardInterrupt):
        share(work, [worker(work, press_ctrl_c) for _ in range(2)])
    assert len(seen) < 500
