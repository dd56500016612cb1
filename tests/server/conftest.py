"""One server for all tests that leave its documents as they are, and one that asks for a token."""

import pytest

pytest.importorskip("fastapi", reason="the extra 'server' is not installed")
pytest.importorskip("httpx", reason="the extra 'client' is not installed")

from maxsight import Library
from maxsight.indexing.metadata import MetadataTable
from pdf_files import write_pdf
from server.serving import ended, running

TOKEN = "a-token-for-tests-only"


@pytest.fixture(scope="session")
def served(tmp_path_factory):
    """A folder with a library of three documents, and a server of it."""
    home = tmp_path_factory.mktemp("served")
    documents = home / "documents"
    documents.mkdir()
    write_pdf(
        documents / "lighthouse.pdf",
        [
            [(72, 100, "The lighthouse keeper records every storm.")],
            [(72, 100, "Repairs of the lamp cost four hundred pounds.")],
            [(72, 100, "Ships are warned by a horn in fog.")],
        ],
    )
    (documents / "garden.txt").write_text("Tomatoes need water in the morning and sun all day.\n")
    (documents / "bees.md").write_text("# Bees\n\nA hive makes forty kilograms of honey in a good summer.\n")
    (home / "fields.csv").write_text("file,year,topic\nlighthouse.pdf,1901,sea\ngarden.txt,2020,land\n")
    with Library.create(home / "test.library") as library:
        library.index(documents, metadata=MetadataTable.load(home / "fields.csv"))
    with running(home / "test.library") as server:
        server.home = home
        yield server


@pytest.fixture(scope="session")
def client(served):
    with served.client() as client:
        yield client


@pytest.fixture(scope="session")
def library(served):
    """The served library, opened beside the server."""
    with Library.open(served.home / "test.library", read_only=True) as library:
        yield library


@pytest.fixture(scope="session")
def guarded(tmp_path_factory):
    """A server that asks for a token."""
    home = tmp_path_factory.mktemp("guarded")
    (home / "secret.txt").write_text("The treasure lies under the old oak.\n")
    with Library.create(home / "test.library") as library:
        library.index(home / "secret.txt")
    with running(home / "test.library", "--token", TOKEN) as server:
        server.home = home
        yield server


@pytest.fixture(scope="session")
def changing(tmp_path_factory):
    """A server whose documents come and go. Use ``own``."""
    home = tmp_path_factory.mktemp("changing")
    with running(home / "own.library", "--max-upload", "2000000") as server:
        server.home = home
        yield server


@pytest.fixture
def own(changing):
    """A server of an empty library, for one test to change."""
    yield changing
    with changing.client() as client:
        for job in client.get("/v1/jobs").json()["items"]:
            client.delete(job["links"]["self"])
        for job in client.get("/v1/jobs").json()["items"]:
            ended(client, job["job_id"])
        for item in client.get("/v1/documents", params={"limit": 1000}).json()["items"]:
            client.delete(item["links"]["self"])
