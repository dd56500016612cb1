import os
import subprocess
import sys
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
    """Threads of numpy's own BLAS; other packages bring theirs."""
    assert np.ones((2, 2)).dot(np.ones((2, 2))).sum() == 8  # it is loaded
    libraries = [library for library in threadpool_info() if library["user_api"] == "blas"]
    return {library["num_threads"] for library in libraries if "numpy" in library["filepath"]}


def test_blas_has_one_thread_until_its_last_holder_is_done_whichever_threads_hold_it():
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


forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")

IN_A_CHILD = """
import faulthandler, os, sys
def in_a_child(call):
    child = os.fork()
    if not child:
        faulthandler.dump_traceback_later(60, exit=True)
        os._exit(0 if call() else 1)
    assert os.waitpid(child, 0)[1] == 0
"""


@forks
def test_a_child_that_is_forked_after_a_search_can_search(tmp_path):
    (tmp_path / "apples.txt").write_text("Red apples fall from the tree in autumn.")
    code = """
from maxsight import Library
with Library.create(sys.argv[1] + "/a.library", encoder="fake") as library:
    library.index(sys.argv[1] + "/apples.txt")
    assert len(library.search("apples")) == 1
    in_a_child(lambda: len(library.search("apples")) == 1)
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", IN_A_CHILD + code, str(tmp_path)], check=True)


@forks
def test_a_child_has_threads_of_its_own_also_when_it_is_forked_during_a_search():
    code = """
from maxsight.threads import map_in_threads, one_blas_thread
def twice():
    with one_blas_thread():
        return list(map_in_threads(lambda number: 2 * number, range(9)))
with one_blas_thread():
    assert twice() == list(range(0, 18, 2))
    in_a_child(lambda: twice() == list(range(0, 18, 2)))
"""
    subprocess.run([sys.executable, "-c", IN_A_CHILD + code], check=True)
