"""Running the batches of one call on their devices.

When a batch is too large for the memory, no page is lost: it is put back, and later batches are smaller.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import torch

from maxsight.encoders.batching import BatchLimit, Work
from maxsight.errors import EncoderError, EncoderOutOfMemoryError
from maxsight.threads import wait_for

Prepared = TypeVar("Prepared")
Result = TypeVar("Result")
Launched = Callable[[], Sequence[Result]]
"""Waits for a batch that is being computed, and returns its results."""

_OUT_OF_MEMORY = ("out of memory", "not enough memory", "can't allocate memory", "cannot allocate memory")
"""Messages of allocators that raise a plain RuntimeError: those of the CPU and of MPS."""


def run_batches(
    work: Work,
    limit: BatchLimit,
    prepare: Callable[[Sequence[int]], Prepared],
    launch: Callable[[Prepared], Launched[Result]],
    release: Callable[[], None],
) -> Iterator[tuple[int, Result]]:
    """Run batches on one device until there are no more.

    While one batch is computed, the next is prepared and the results of the one before are copied.

    Args:
        work: The pages to encode.
        limit: The largest batch. It shrinks when memory runs out.
        prepare: Makes a batch's inputs on the host, in a thread of its own.
        launch: Starts to compute a batch. The function that it returns waits for the results, one per page.
        release: Frees memory after it ran out.

    Yields:
        Positions of pages and their results, batch by batch.

    Raises:
        EncoderOutOfMemoryError: A single page is more than the memory holds.
        EncoderError: The device failed otherwise.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="maxsight-prepare") as threads:

        def next_batch() -> tuple[list[int], Future[Prepared]] | None:
            positions = work.take(limit)
            return (positions, threads.submit(prepare, positions)) if positions else None

        ahead = next_batch()
        computing: tuple[list[int], Launched[Result]] | None = None
        while ahead:
            (positions, prepared), ahead = ahead, next_batch()
            launched = _launch_unless_too_large(positions, prepared, launch)
            if launched is None:
                limit.shrink(len(positions), work.padded_tokens(positions))
                work.put_back([*positions, *(ahead[0] if ahead else ())])
                release()
                ahead = next_batch()
                continue
            if computing:
                yield from _collect(*computing)
            computing = positions, launched
        if computing:
            yield from _collect(*computing)


def share(work: Work, workers: Sequence[Iterator[tuple[int, Result]]]) -> list[Result]:
    """Run workers, a thread each, until the work is done.

    Args:
        work: The work that they share.
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
            except BaseException:  # Ctrl-C arrives here, and must not wait for the rest of the work
                work.abandon()
                raise
    return [done[position] for position in sorted(done)]


@contextmanager
def device_errors_translated() -> Iterator[None]:
    """Turn torch's errors into those of maxsight.

    Raises:
        EncoderOutOfMemoryError: The memory was too small.
        EncoderError: The device failed otherwise.
    """
    try:
        yield
    except MemoryError as error:
        raise _out_of_memory() from error
    except RuntimeError as error:
        said = str(error).lower()
        if isinstance(error, torch.OutOfMemoryError) or any(phrase in said for phrase in _OUT_OF_MEMORY):
            raise _out_of_memory() from error
        raise EncoderError(
            f"the model failed: {str(error).strip().splitlines()[0] if str(error) else type(error).__name__}",
            hint="Try --device cpu; if that works, it is this device or its driver.",
        ) from error


def _launch_unless_too_large(
    positions: list[int], prepared: Future[Prepared], launch: Callable[[Prepared], Launched[Result]]
) -> Launched[Result] | None:
    """Launch a batch; None if it was too large but may be halved.

    The error must not leave this function: its traceback would keep the batch's memory alive.
    """
    try:
        with device_errors_translated():
            return launch(prepared.result())
    except EncoderOutOfMemoryError:
        if len(positions) == 1:
            raise
        return None


def _collect(positions: list[int], collect: Launched[Result]) -> Iterator[tuple[int, Result]]:
    with device_errors_translated():
        results = collect()
    yield from zip(positions, results, strict=True)


def _out_of_memory() -> EncoderOutOfMemoryError:
    return EncoderOutOfMemoryError(
        "out of memory: the device can't hold the model and a single page",
        hint="Compute in half precision (--dtype bfloat16), free the device of other programs, or use --device cpu.",
    )
