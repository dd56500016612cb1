"""A server that is killed loses nothing that was indexed, and the next one ends its jobs."""

import time
from contextlib import contextmanager

from maxsight import Library
from pdf_files import write_pdf
from server.serving import ended, files_below, running, upload

PAGES = 600


def pages_indexed(client):
    return client.get("/v1/library").json()["pages"]


@contextmanager
def at_work(place):
    """A server that has indexed some pages of an upload and not all, and the upload's job."""
    pages = [[(72, 100, f"The log of day {number}")] for number in range(PAGES)]
    content = write_pdf(place.parent / "log.pdf", pages).read_bytes()
    with running(place) as server, server.client() as client:
        job_id = upload(client, ("log.pdf", content)).json()["job_id"]
        while not pages_indexed(client):
            time.sleep(0.02)
        yield server, job_id


def test_the_next_server_ends_the_job_of_a_killed_one(tmp_path):
    place = tmp_path / "a.library"
    with at_work(place) as (server, job_id):
        server.kill()
    with Library.open(place) as library:
        kept = library.status().pages
        assert 0 < kept < PAGES
        assert library.verify().faults == ()
        assert library.search("log of day")
    with running(place) as server, server.client() as client:
        job = ended(client, job_id)
        assert job["state"] == "done"
        assert pages_indexed(client) == PAGES
        assert server.stop() in (0, 130)
    assert {name.rpartition("/")[2] for name in files_below(tmp_path / "uploads")} == {"log.pdf"}


def test_a_stopped_server_leaves_its_job_to_the_next_one_which_deletes_incomplete_files(tmp_path):
    place = tmp_path / "a.library"
    with at_work(place) as (server, job_id):
        server.stop()
    (tmp_path / "uploads" / ".incoming" / "half").mkdir(parents=True)
    (tmp_path / "uploads" / ".incoming" / "half" / "0").write_bytes(b"half a file")
    with running(place) as server, server.client() as client:
        assert client.delete(f"/v1/jobs/{job_id}").status_code == 200
        assert ended(client, job_id)["state"] == "cancelled"
        assert 0 < pages_indexed(client) < PAGES
        assert not [
            name for name in files_below(tmp_path / "uploads") if ".incoming" in name or ".jobs" in name
        ]
