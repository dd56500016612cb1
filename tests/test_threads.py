from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from maxsight.threads import one_blas_thread, wait_for


def test_a_future_that_fails_with_a_timeout_is_done_all_the_same():
    future = Future()
    future.set_exception(TimeoutError("the encoder's server is slow"))
    wait_for(future)
    with pytest.raises(TimeoutError, match="slow"):
        future.result()


def blas_threads():
    """Of numpy's own BLAS; other packages bring theirs."""
    assert np.ones((2, 2)).dot(np.ones((2, 2))).sum() == 8  # it is loaded
    libraries = [library for library in threadpool_info() if library["user_api"] == "blas"]
    return {library["num_threads"] for library in libraries if "numpy" in library["filepath"]}


def test_blas_has_one_thread_until_the_last_who_wants_it_so_is_done_whichever_threads_ask():
    with ThreadPoolExecutor(1) as one, ThreadPoolExecutor(1) as other:
        first, second = one_blas_thread(), one_blas_thread()
        before = blas_threads()
        if not before or before == {1}:
            pytest.skip("numpy's BLAS has one thread here, or can't be limited")
        one.submit(first.__enter__).result()
        other.submit(second.__enter__).result()
        assert blas_threads() == {1}
        other.submit(first.__exit__, None, None, None).result()
        assert blas_threads() == {1}
        one.submit(second.__exit__, None, None, None).result()
        assert blas_threads() == before
