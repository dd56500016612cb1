"""What all tests share: tiny checkpoints and a Milvus server, made once in a run and only when a test asks for them."""

import os
import signal
import sys
from functools import cache
from pathlib import Path
from uuid import uuid4

import pytest

from endpoint_server import endpoint_server
from maxsight.stores.addresses import MilvusAddress

OUTSIDE = (
    "cli",
    "documents/ocr",
    "documents/test_reading",
    "durability",
    "embedding/test_embedding_run",
    "encoders/checkpoints",
    "evaluation/test_audit",
    "examples",
    "indexing/test_image_run",
    "indexing/test_judging",
    "indexing/test_on_ray",
    "indexing/test_record_run",
    "indexing/test_replacing",
    "indexing/test_run",
    "integrations",
    "library/test_audited_library",
    "library/test_copying",
    "library/test_second_look",
    "library/test_similar",
    "quality/training",
    "quality/test_blocked_imports",
    "reranking",
    "server",
    "stores/bucket",
    "stores/local/test_code_table",
    "stores/milvus",
    "surface/test_documentation",
    "surface/test_packaging",
    "surface/test_privacy",
    "surface/test_serving_documentation",
    "web",
)
"""Tests that start a browser, a server, other processes or a model, or take longer than their part of 90 seconds."""


LONGEST = "tests/surface/test_documentation.py"


def pytest_xdist_auto_num_workers(config):
    """One worker more than processors: tests of servers and kills wait more than they compute."""
    return (os.cpu_count() or 1) + 1


def pytest_collection_modifyitems(config, items):
    """Mark what `make quick` leaves out, and start with the file that takes longest, so that no worker ends alone."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONGEST))
    folder = Path(__file__).parent
    for item in items:
        if item.path.relative_to(folder).as_posix().startswith(OUTSIDE) or any(
            kind in item.name for kind in ("milvus", "bucket")
        ):
            item.add_marker(pytest.mark.outside)


def pytest_sessionstart():
    """Listen to Ctrl-C again, for tests that send it.

    A script that starts the tests in the background (``make test &``) ignores it, and child processes inherit that.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


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


@pytest.fixture(scope="session")
def object_storage():
    """A server of S3's protocol on loopback: ``object_storage(name)`` gives the address of an empty place in it."""
    pytest.importorskip("obstore", reason="the extra 'bucket' is not installed")
    from stores.bucket.storage import serving

    with serving() as address:
        yield address


@pytest.fixture(scope="session")
def milvus_server(tmp_path_factory):
    """A real Milvus 2.3.5 server; a test that kills one starts its own."""
    pytest.importorskip("pymilvus", reason="the extra 'milvus' is not installed")
    from stores.milvus.server import NoServerError, start_server

    try:
        server = start_server(tmp_path_factory.mktemp("milvus"))
    except NoServerError as error:
        pytest.skip(str(error))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def milvus_stub():
    """A server of ours that speaks Milvus 2.6's protocol and scores embedding lists exactly."""
    pytest.importorskip("pymilvus", reason="the extra 'milvus' is not installed")
    pytest.importorskip("milvus_lite", reason="the stub reads filters with Milvus Lite")
    from stores.milvus.stub import serving

    with serving() as stub:
        yield stub


@pytest.fixture(scope="session")
def given_milvus():
    """``given_milvus(layout)`` gives the address of a new collection on the server that MAXSIGHT_TEST_MILVUS names."""
    pytest.importorskip("pymilvus", reason="the extra 'milvus' is not installed")
    uri = os.environ.get("MAXSIGHT_TEST_MILVUS")
    if not uri:
        pytest.skip("MAXSIGHT_TEST_MILVUS names no server")

    def address(layout):
        token = os.environ.get("MAXSIGHT_TEST_MILVUS_TOKEN")
        return MilvusAddress(uri, collection=f"maxsight_test_{uuid4().hex}", layout=layout, token=token)

    return address


@pytest.fixture(scope="module")
def endpoint():
    """A loopback endpoint that answers as OpenAI's chat completions do, and says what a test gives it."""
    with endpoint_server() as endpoint:
        yield endpoint
