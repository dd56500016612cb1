from concurrent.futures import Future

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

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


def test_blas_has_one_thread_until_the_last_who_wants_it_so_is_done():
    with threadpool_limits(limits=2, user_api="blas"):
        first, second = one_blas_thread(), one_blas_thread()
        first.__enter__()
        second.__enter__()
        assert blas_threads() == {1}
        first.__exit__(None, None, None)
        assert blas_threads() == {1}
        second.__exit__(None, None, None)
        assert blas_threads() == {2}
