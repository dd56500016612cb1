from concurrent.futures import Future

import pytest

from maxsight.threads import wait_for


def test_a_future_that_fails_with_a_timeout_is_done_all_the_same():
    future = Future()
    future.set_exception(TimeoutError("the encoder's server is slow"))
    wait_for(future)
    with pytest.raises(TimeoutError, match="slow"):
        future.result()
