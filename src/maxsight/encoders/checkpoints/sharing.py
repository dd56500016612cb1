"""Several devices on the work of one call, a thread each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from maxsight.encoders.checkpoints.batching import Work
from maxsight.threads import wait_for

Result = TypeVar("Result")


def share(work: Work, workers: Sequence[Iterator[tuple[int, Result]]]) -> list[Result]:
    """Let workers run until the work is done.

    Args:
        work: What they all take from.
        workers: One for each device, yielding positions and results.

    Returns:
        The results, in the order of their positions.
    """
    done: dict[int, Result] = {}

    def run(worker: Iterator[tuple[int, Result]]) -> None:
        try:
            done.update(worker)
        except BaseException:
            work.abandon()
            raise

    if len(workers) == 1:
        run(workers[0])
    else:
        with ThreadPoolExecutor(len(workers), thread_name_prefix="maxsight-device") as threads:
            try:
                for running in [threads.submit(run, worker) for worker in workers]:
                    wait_for(running)
                    running.result()
            except BaseException:  # Ctrl-C is heard here, and must not wait for all that is left
                work.abandon()
                raise
    return [done[position] for position in sorted(done)]
