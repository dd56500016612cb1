"""The batches of one call on their devices, and what happens when one is larger than the memory.

No page is lost then: the batch is put back, and smaller ones are cut from there on.
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

_OUT_OF_MEMORY = ("out of memory", "not enough memory", "can't allocate memory", "cannot allocate memory")
"""What allocators say that raise a plain RuntimeError: those of the CPU and of MPS."""


def run_batches(
    work: Work,
    limit: BatchLimit,
    prepare: Callable[[Sequence[int]], Prepared],
    launch: Callable[[Prepared], Callable[[], Sequence[Result]]],
    release: Callable[[], None],
) -> Iterator[tuple[int, Result]]:
    """Work through batches on one device until there are no more.

    While one batch is computed the next is prepared, and the results of the one before are copied.

    Args:
        work: What there is to do.
        limit: How large batches may be; shrinks when memory runs out.
        prepare: Makes a batch's inputs on the host. Called in a thread of its own.
        launch: Starts its computation; what it returns waits for the results, one per page.
        release: Frees what can be freed after memory ran out.

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
        computing: tuple[list[int], Callable[[], Sequence[Result]]] | None = None
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


@contextmanager
def device_errors_translated() -> Iterator[None]:
    """Turn what torch raises into our own errors.

    Raises:
        EncoderOutOfMemoryError: The memory did not hold what was asked of it.
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
    positions: list[int],
    prepared: Future[Prepared],
    launch: Callable[[Prepared], Callable[[], Sequence[Result]]],
) -> Callable[[], Sequence[Result]] | None:
    """Launch a batch; None if it was too large but may be halved.

    The failure ends in here: as long as its traceback lives, so does the memory that the batch took.
    """
    try:
        with device_errors_translated():
            return launch(prepared.result())
    except EncoderOutOfMemoryError:
        if len(positions) == 1:
            raise
        return None


def _collect(positions: list[int], collect: Callable[[], Sequence[Result]]) -> Iterator[tuple[int, Result]]:
    with device_errors_translated():
        results = collect()
    yield from zip(positions, results, strict=True)


def _out_of_memory() -> EncoderOutOfMemoryError:
    return EncoderOutOfMemoryError(
        "out of memory: the device can't hold the model and a single page",
        hint="Compute in half precision (--dtype bfloat16), free the device of other programs, or use --device cpu.",
    )
