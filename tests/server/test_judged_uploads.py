"""Predicted error rates of uploads: on request, and in libraries whose pages were judged."""

import asyncio
import io

import pytest
from click.testing import CliRunner
from PIL import Image

from maxsight import Library
from maxsight.cli import main
from maxsight.errors import InputError
from maxsight.indexing import judges
from maxsight.pictures import Fit, PictureFit
from server.inside import client_of, job_ended, service_of, uploaded
from server.serving import index, running


class DarknessJudge:
    """Predicts as many wrong characters as the picture is dark."""

    dpi = 36
    picture = PictureFit(Fit.MULTIPLE, multiple_px=1, min_pixels=1, max_pixels=10**6)

    def __init__(self, revision):
        self.revision = revision

    def page_fields(self, picture):
        return {"predicted_cer": round(1 - float(picture.mean()) / 255, 4)}


@pytest.fixture(autouse=True)
def ours(monkeypatch):
    """Stands for the model that comes with maxsight."""
    monkeypatch.setattr(judges, "load_judge", lambda: DarknessJudge("ours"))


def png(level):
    out = io.BytesIO()
    Image.new("L", (60, 80), level).save(out, "PNG")
    return out.getvalue()


def brought(service, *files):
    """Upload files; gives the job when it has ended, its shares on the way, and all documents by name."""

    async def bring():
        async with client_of(service) as client:
            answer = await uploaded(client, *files)
            job_id, shares = answer.json()["job_id"], []
            async for now in service.jobs.get(job_id).snapshots():
                shares.append(now.share)
            await job_ended(service, job_id)
            job = (await client.get(f"/v1/jobs/{job_id}")).json()
            items = (await client.get("/v1/documents")).json()["items"]
            return job, shares, {item["file"]: item["quality"] for item in items}

    return asyncio.run(bring())


def judged_before(folder, revision):
    """A library of one picture that was judged."""
    (folder / "grey.png").write_bytes(png(127))
    with Library.create(folder / "test.library", encoder="fake") as library:
        library.index(folder / "grey.png", quality=DarknessJudge(revision), workers=1)


def test_uploads_are_judged_by_whom_the_server_is_given(tmp_path):
    with service_of(tmp_path, judge=DarknessJudge("theirs")) as service:
        job, shares, found = brought(service, ("black.png", png(0)), ("white.png", png(255)))
        notes = brought(service, ("notes.txt", b"Nothing to look at."))
        pages = {entry.document.file: entry.page_fields for entry in service.reader.documents()}
    assert (job["state"], job["pages"], job["judged"], job["share"]) == ("done", 2, 2, 1.0)
    assert shares == sorted(shares)
    assert found["black.png"] == {"mean_cer": 1.0, "worst_cer": 1.0, "worst_page": 1, "judged": 1}
    assert found["white.png"]["mean_cer"] == 0.0
    assert pages["black.png"] == ({"predicted_cer": 1.0, "quality_model": "theirs"},)
    assert (notes[0]["state"], notes[0]["judged"], notes[2]["notes.txt"]) == ("done", 0, None)


def test_a_library_that_was_judged_goes_on_being_judged(tmp_path):
    judged_before(tmp_path, "ours")
    with service_of(tmp_path) as service:
        job, _, found = brought(service, ("black.png", png(0)))
    assert job["notices"] == []
    assert found["black.png"]["mean_cer"] == 1.0


def test_by_no_other_model_than_its_own(tmp_path):
    judged_before(tmp_path, "theirs")
    with service_of(tmp_path) as service:
        job, _, found = brought(service, ("black.png", png(0)))
    assert found["black.png"] is None and found["grey.png"] is not None
    assert job["judged"] == 0
    assert job["notices"] == [
        "1 page lacks the error rates that others have; the server's administrator can change that"
    ]


def test_a_library_that_was_not_judged_is_left_so(tmp_path):
    with service_of(tmp_path) as service:
        job, _, found = brought(service, ("black.png", png(0)))
    assert (job["state"], job["judged"], job["notices"], found) == ("done", 0, [], {"black.png": None})


def test_serve_quality_judges_by_the_model_that_comes_along(tmp_path):
    pytest.importorskip("lightgbm", reason="the extra 'quality' is not installed")
    with running(tmp_path / "a.library", "--quality") as server, server.client() as client:
        job = index(client, ("grey.png", png(127)))
        (item,) = client.get("/v1/documents").json()["items"]
        (page,) = client.get(item["links"]["self"]).json()["pages"]
    assert (job["state"], job["judged"]) == ("done", 1)
    assert page["metadata"]["quality_model"].startswith("patches-")
    assert "predicted_cer" in page["metadata"] or "quality_note" in page["metadata"]


def test_uploads_are_indexed_even_if_they_can_not_be_judged(tmp_path, monkeypatch):
    """Nobody asked for it here: the library's pages were judged once."""

    def broken():
        raise InputError("the model is damaged")

    judged_before(tmp_path, "ours")
    monkeypatch.setattr(judges, "load_judge", broken)
    with service_of(tmp_path) as service:
        job, _, found = brought(service, ("black.png", png(0)))
    assert (job["state"], job["judged"], found["black.png"]) == ("done", 0, None)
    assert "these pages are not judged: the model is damaged" in job["notices"]


def test_a_notice_says_that_error_rates_come_from_two_models(tmp_path):
    judged_before(tmp_path, "ours")
    with service_of(tmp_path, judge=DarknessJudge("theirs")) as service:
        job, _, _ = brought(service, ("black.png", png(0)))
    assert job["judged"] == 1
    assert any("judged by another model" in notice for notice in job["notices"])


def test_a_server_that_takes_no_uploads_is_asked_to_judge_none(tmp_path):
    with Library.create(tmp_path / "a.library", encoder="fake"):
        pass
    command = ["serve", "--library", str(tmp_path / "a.library"), "--read-only", "--quality"]
    refused = CliRunner().invoke(main, command)
    assert refused.exit_code == 2
    assert "accepts no uploads" in refused.output and "Leave out --read-only" in refused.output
