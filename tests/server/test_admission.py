"""Every queue has a limit: one request too many is refused at once, with the time to retry."""

import asyncio
import threading

import pytest

from maxsight.server.admission import Admission
from maxsight.server.config import RequestLimits, ServerSettings
from maxsight.server.problems import RefusedError
from maxsight.server.service import PAGE_THREADS
from server.inside import client_of, job_ended, jobs_held, service_of, uploaded
from server.serving import files_below

BOUNDARY = "b0undary"
HEAD = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="files"; filename="a.txt"\r\n\r\n'.encode()
FORM = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}


def test_a_request_makes_room_however_it_ends():
    admission = Admission("guests are here", 1, "Come later.", retry_after_s=7)
    with pytest.raises(ZeroDivisionError), admission:
        with pytest.raises(RefusedError, match="1 guests are here already") as caught, admission:
            pass
        raise ZeroDivisionError
    assert (caught.value.status, caught.value.headers) == (503, {"Retry-After": "7"})
    with admission:
        pass


def test_more_uploads_than_may_come_at_once_are_refused_and_welcome_when_one_has_come(tmp_path):
    async def upload():
        rest = asyncio.Event()

        async def body():
            yield HEAD + b"Slowly"
            await rest.wait()
            yield f" it comes.\r\n--{BOUNDARY}--\r\n".encode()

        with service_of(tmp_path, ServerSettings(limits=RequestLimits(uploads=2))) as service:
            async with client_of(service) as client:
                coming = [
                    asyncio.create_task(client.post("/v1/documents", content=body(), headers=FORM))
                    for _ in range(2)
                ]
                while len(files_below(tmp_path / "uploads")) < 2:
                    await asyncio.sleep(0.01)
                refused = [
                    await uploaded(client, ("b.txt", b"b")),
                    await client.post("/v1/embeddings", files={"file": ("b.txt", b"b")}),
                ]
                rest.set()
                accepted = await asyncio.gather(*coming)
                accepted.append(await uploaded(client, ("b.txt", b"b")))
                states = [await job_ended(service, answer.json()["job_id"]) for answer in accepted]
            return refused, states

    refused, states = asyncio.run(upload())
    for answer in refused:
        assert (answer.status_code, answer.json()["type"]) == (503, "/problems/too-busy")
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["retry-after"] and answer.json()["hint"]
        assert answer.json()["detail"] == "2 uploads are coming already"
    assert states == ["done"] * 3
    assert {name.rpartition("/")[2] for name in files_below(tmp_path / "uploads")} == {"a.txt", "b.txt"}


def test_more_work_on_pages_than_may_wait_is_refused_and_done_again_when_there_is_room(tmp_path):
    async def crowd():
        go_on = threading.Event()
        with service_of(tmp_path, ServerSettings(limits=RequestLimits(waiting_pages=2))) as service:
            async with client_of(service) as client:
                running = [asyncio.create_task(service.run(go_on.wait, 60)) for _ in range(PAGE_THREADS + 2)]
                await asyncio.sleep(0)
                refused = await client.get("/v1/library")
                running.pop().cancel()  # who has gone makes room
                await asyncio.sleep(0)
                waiting = asyncio.create_task(client.get("/v1/library"))
                await asyncio.sleep(0.05)
                go_on.set()
                return refused, await waiting, await asyncio.gather(*running)

    refused, served, done = asyncio.run(crowd())
    assert (refused.status_code, refused.json()["type"]) == (503, "/problems/too-busy")
    assert refused.headers["content-type"] == "application/problem+json"
    assert (refused.headers["retry-after"], bool(refused.json()["hint"])) == ("1", True)
    assert served.status_code == 200
    assert done == [True] * (PAGE_THREADS + 1)


def test_one_search_that_explains_a_hundred_pages_is_one_piece_of_work(tmp_path):
    async def explain():
        with service_of(tmp_path, ServerSettings(limits=RequestLimits(waiting_pages=0))) as service:
            async with client_of(service) as client:
                files = [(f"{number}.txt", f"Page {number}.".encode()) for number in range(20)]
                await job_ended(service, (await uploaded(client, *files)).json()["job_id"])
                return await client.get("/v1/search", params={"q": "page", "top_k": 20, "explain": True})

    hits = asyncio.run(explain()).json()["hits"]
    assert len(hits) == 20
    for hit in hits:
        assert sum(token["score"] for token in hit["explanation"]["tokens"]) == pytest.approx(hit["score"])


def test_a_job_that_waits_is_counted_among_those_that_may(tmp_path):
    async def fill():
        with service_of(tmp_path, ServerSettings(limits=RequestLimits(waiting_jobs=2))) as service:
            async with client_of(service) as client:
                with jobs_held(service):
                    return [
                        (await uploaded(client, (f"{number}.txt", b"text"))).status_code
                        for number in range(3)
                    ]

    assert asyncio.run(fill()) == [202, 202, 503]
