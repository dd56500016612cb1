"""What all tests share: tiny checkpoints, each built once in a run and only when a test asks for it."""

import sys
from functools import cache

import pytest


def pytest_runtest_call():
    """Whoever imported torch."""
    if "torch" in sys.modules:
        compute_on_one_thread()


def compute_on_one_thread():
    """Let torch compute on one thread: tiny models gain nothing by more, which wait for one another all the time."""
    sys.modules["torch"].set_num_threads(1)


@pytest.fixture(scope="session")
def tiny_checkpoint(tmp_path_factory):
    """``tiny_checkpoint(kind)`` gives the folder of a tiny one; ``encoders/checkpoints/tiny.py`` has the kinds."""
    pytest.importorskip("torch", reason="the extra 'colpali' is not installed")
    compute_on_one_thread()  # also what fixtures compute: numbers differ a little by the number of threads
    from encoders.checkpoints import tiny

    root = tmp_path_factory.mktemp("checkpoints")

    @cache
    def folder_of(kind):
        folder = root / kind
        tiny.save(kind, folder)
        return folder

    return folder_of
