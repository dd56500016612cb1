"""Tiny checkpoints, each built once in a run and only when a test asks for it."""

from functools import cache

import pytest


@pytest.fixture(scope="session")
def tiny_checkpoint(tmp_path_factory):
    """``tiny_checkpoint(kind)`` gives the folder of a tiny one; ``encoders/checkpoints/tiny.py`` has the kinds."""
    pytest.importorskip("torch", reason="the extra 'colpali' is not installed")
    from encoders.checkpoints import tiny

    root = tmp_path_factory.mktemp("checkpoints")

    @cache
    def folder_of(kind):
        folder = root / kind
        tiny.save(kind, folder)
        return folder

    return folder_of
