"""Uploads and deletes of one document at the same time happen one after the other."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from maxsight import Library
from maxsight.errors import UnknownDocumentError
from maxsight.identity import document_id
from maxsight.server.problems import RefusedError
from server.inside import client_of, job_ended, jobs_held, service_of, uploaded
from server.serving import ended, files_below, index, upload

STORY = ("story.txt", b"The ferry leaves the harbour at noon.\n")


def only_item(documents):
    (item,) = documents.json()["items"]
    return item


def test_a_document_that_has_come_again_can_not_be_deleted_before_it_is_indexed(tmp_path):
    async def come_again():
        with service_of(tmp_path) as service:
            async with client_of(service) as client:
                first = await uploaded(client, STORY)
                await job_ended(service, first.json()["job_id"])
                item = only_item(await client.get("/v1/documents"))
                with jobs_held(service):
                    again = await uploaded(client, STORY)
                    refused = await client.delete(item["links"]["self"])
                state = await job_ended(service, again.json()["job_id"])
                gone = await client.delete(item["links"]["self"])
                return refused, state, gone

    refused, state, gone = asyncio.run(come_again())
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/document-busy")
    assert refused.json()["hint"]
    assert (state, gone.status_code) == ("done", 204)
    assert not files_below(tmp_path / "uploads")


@pytest.mark.parametrize("moment", ["begin", "store", "place_of"])
def test_a_delete_in_the_middle_of_an_upload_waits_for_it_and_loses_no_file(tmp_path, monkeypatch, moment):
    """The moments between which a file that is there already was found there, and deleted before its job began."""

    async def delete_within():
        with service_of(tmp_path) as service, ThreadPoolExecutor() as threads:
            async with client_of(service) as client:
                first = await uploaded(client, STORY)
                await job_ended(service, first.json()["job_id"])
                item = only_item(await client.get("/v1/documents"))
                deletes = []
                was = getattr(service.uploads, moment)

                def then_delete(*args):
                    done = was(*args)
                    deletes.append(threads.submit(service.delete, item["document_id"]))
                    threading.Event().wait(0.2)  # it had the time
                    return done

                monkeypatch.setattr(service.uploads, moment, then_delete)
                with jobs_held(service):
                    again = await uploaded(client, STORY)
                    monkeypatch.undo()
                    try:
                        deletes[0].result(20)
                    except RefusedError as error:
                        refused = error.kind
                    else:
                        refused = ""
                await job_ended(service, again.json()["job_id"])
                job = (await client.get(again.json()["links"]["self"])).json()
                return refused, job, (await client.get("/v1/documents")).json()["total"]

    refused, job, documents = asyncio.run(delete_within())
    states = [file["state"] for file in job["files"]]
    assert (refused, states) == ("document-busy", ["unchanged"])
    assert documents == 1
    assert len(files_below(tmp_path / "uploads")) == 1


def test_jobs_of_one_file_that_are_given_up_together_leave_no_file(tmp_path):
    async def give_up():
        with service_of(tmp_path) as service, ThreadPoolExecutor() as threads:
            async with client_of(service) as client:
                with jobs_held(service):
                    answers = [await uploaded(client, STORY) for _ in range(8)]
                    jobs = [service.jobs.get(answer.json()["job_id"]) for answer in answers]
                    list(threads.map(service.jobs.cancel, jobs))

    asyncio.run(give_up())
    assert not files_below(tmp_path / "uploads")


def test_a_document_that_is_deleted_twice_at_once_takes_no_other_of_its_name_along(tmp_path, monkeypatch):
    (tmp_path / "below").mkdir()
    for folder in (tmp_path, tmp_path / "below"):
        (folder / "a.txt").write_text(f"In {folder.name}.")
    with Library.create(tmp_path / "test.library", encoder="fake") as library:
        library.index([tmp_path / "a.txt", tmp_path / "below"])
    with service_of(tmp_path) as service:
        entry = service.documents.find(document_id("a.txt"))
        service.delete(document_id("a.txt"))
        monkeypatch.setattr(service.documents, "find", lambda id_: entry)  # as the second one saw it
        with pytest.raises(UnknownDocumentError):
            service.delete(document_id("a.txt"))
        assert [entry.document.path for entry in service.reader.documents()] == ["below/a.txt"]


def test_files_that_come_and_go_at_once_are_there_or_gone_as_a_whole(own):
    def come(number):
        with own.client() as client:
            return [index(client, STORY) for _ in range(6)]

    def go(stop):
        with own.client() as client:
            while not stop.is_set():
                for item in client.get("/v1/documents").json()["items"]:
                    assert client.delete(item["links"]["self"]).status_code in (204, 404, 409)

    stop = threading.Event()
    with ThreadPoolExecutor() as threads:
        going = threads.submit(go, stop)
        try:
            jobs = [job for some in threads.map(come, range(3)) for job in some]
        finally:
            stop.set()
        going.result(60)
    assert {job["state"] for job in jobs} == {"done"}
    assert {file["state"] for job in jobs for file in job["files"]} <= {"indexed", "unchanged"}
    with own.client() as client:
        listed = {item["path"] for item in client.get("/v1/documents").json()["items"]}
    assert listed == {f"uploads/{name}" for name in files_below(own.home / "uploads")}


def test_one_file_that_comes_twice_at_once_is_one_document_and_two_of_one_name_are_two(own):
    def come(content):
        with own.client() as client:
            return ended(client, upload(client, ("story.txt", content)).json()["job_id"])

    contents = [b"The ferry leaves at noon.", b"The ferry leaves at noon.", b"The ferry sank."]
    with ThreadPoolExecutor() as threads:
        jobs = list(threads.map(come, contents))
    states = sorted(job["files"][0]["state"] for job in jobs)
    assert states == ["indexed", "indexed", "unchanged"]
    with own.client() as client:
        items = client.get("/v1/documents").json()["items"]
        assert [(item["file"], item["complete"]) for item in items] == [("story.txt", True)] * 2
    assert len(files_below(own.home / "uploads")) == 2
