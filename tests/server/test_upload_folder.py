"""Files that are deleted are deleted, whenever the server ends; reports of jobs stay small."""

import pytest

from maxsight.indexing import NotIndexed
from maxsight.server.jobs import MAX_LISTED, Job
from maxsight.server.schemas.jobs import JobState
from maxsight.server.upload_folder import UploadFolder


@pytest.fixture
def stored(tmp_path):
    file = tmp_path / "uploads" / ("0a" * 8) / "report.pdf"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"pages")
    return file


def test_a_file_goes_with_its_document_and_comes_back_if_that_stays(stored):
    uploads = UploadFolder(stored.parents[1])
    with pytest.raises(RuntimeError), uploads.removing(stored):
        raise RuntimeError
    assert stored.read_bytes() == b"pages"
    with uploads.removing(stored):
        assert not stored.exists()
    assert list(uploads.root.rglob("*.pdf")) == [] and not stored.parent.exists()


def test_a_server_that_is_killed_while_it_deletes_leaves_no_file(stored):
    uploads = UploadFolder(stored.parents[1])
    deleting = uploads.removing(stored)
    deleting.__enter__()
    UploadFolder(stored.parents[1]).sweep()  # as the next server does
    assert list(uploads.root.rglob("*.pdf")) == []
    deleting.__exit__(None, None, None)


def test_a_file_of_another_folder_is_left_alone(stored, tmp_path):
    own = tmp_path / "own.pdf"
    own.write_bytes(b"mine")
    with UploadFolder(stored.parents[1]).removing(own):
        pass
    assert own.exists()


def test_a_report_lists_the_first_problems_and_counts_all(stored):
    job = Job("1", [stored], (), None)
    for page in range(1, 200):
        job.note(NotIndexed(str(stored), page, f"reason {page}", None))
    (row,) = job.snapshot().files
    assert (row.problem_count, len(row.problems), row.problems[-1].page_number) == (
        199,
        MAX_LISTED,
        MAX_LISTED,
    )


@pytest.mark.parametrize("state", [JobState.FAILED, JobState.CANCELLED, JobState.DONE])
def test_a_job_that_ends_says_so_of_every_file(stored, state):
    job = Job("1", [stored, stored.with_name("b.pdf")], (), None)
    job.end(state)
    assert [row.state for row in job.snapshot().files] == ["skipped", "skipped"]
    assert all(row.reason for row in job.snapshot().files)
