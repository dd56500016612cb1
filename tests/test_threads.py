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
    assert np.ones((2, 2)).dot(np.ones((2, 2))).sum() == 8  # numpy has loaded its BLAS
    return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}


def test_blas_has_one_thread_until_the_last_who_wants_it_so_is_done_whichever_threads_ask():
    with ThreadPoolExecutor(1) as one, ThreadPoolExecutor(1) as other:
        first, second = one_blas_thread(), one_blas_thread()
        before = blas_threads()
        if before == {1}:
            pytest.skip("BLAS has one thread on one core")
        one.submit(first.__enter__).result()
        other.submit(second.__enter__).result()
        assert blas_threads() == {1}
        other.submit(first.__exit__, None, None, None).result()
        assert blas_threads() == {1}
        one.submit(second.__exit__, None, None, None).result()
        assert blas_threads() == before
