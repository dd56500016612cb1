"""Answers over the API: streamed, with checked citations."""

import asyncio
import gc
import json
import time

import httpx
import pytest

from maxsight import Library
from maxsight.server.app import create_app
from maxsight.server.config import RequestLimits
from server.inside import hung_up_on, service_of
from server.serving import FROM_OUR_PAGES, running

pytest.importorskip("openai", reason="the extra 'ask' is not installed")


@pytest.fixture(scope="module")
def answering(served, endpoint):
    """A second, read-only server of the same library that knows whom to ask."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("OPENAI_BASE_URL", endpoint.url)
        environment.setenv("OPENAI_API_KEY", "secret-key")
        environment.setenv("MAXSIGHT_MODEL", "talker")
        with running(served.home / "test.library", "--read-only") as server:
            yield server


@pytest.fixture
def asking(answering):
    with answering.client() as client:
        yield client


def events(answer):
    """The events of a stream, as (name, data)."""
    blocks = [block.splitlines() for block in answer.text.strip().split("\n\n")]
    fields = [dict(line.split(": ", 1) for line in block if not line.startswith(":")) for block in blocks]
    return [(block["event"], json.loads(block["data"])) for block in fields if "event" in block]


def test_an_answer_comes_with_its_pages_its_text_and_checked_citations(asking, endpoint):
    endpoint.reply = ["Four hundred", " pounds [1]", ", they say [9]."]
    answer = asking.post("/v1/ask", json={"question": "what do lamp repairs cost?", "top_k": 2})
    assert answer.headers["content-type"].startswith("text/event-stream")
    (first, sources), *said, (last, end) = events(answer)
    assert (first, last) == ("sources", "done")
    assert [source["number"] for source in sources["sources"]] == [1, 2]
    assert sources["sources"][0]["path"] == "documents/lighthouse.pdf"
    assert [name for name, _ in said] == ["text", "text", "citation", "text", "citation", "text"]
    assert [data["page_id"] for name, data in said if name == "citation"] == [
        sources["sources"][0]["page_id"],
        None,
    ]
    assert end["answer"] == "Four hundred pounds [1], they say [9: no such page]."
    assert (end["cited"], end["invented"]) == ([1], [9])
    shown = endpoint.requests[-1]["messages"][1]["content"]
    assert [part["type"] for part in shown] == ["text", "image_url", "text", "image_url", "text"]


def test_pictures_are_left_out_where_only_text_is_wanted(asking, endpoint):
    asking.post("/v1/ask", json={"question": "lamp", "text_only": True})
    assert {part["type"] for part in endpoint.requests[-1]["messages"][1]["content"]} == {"text"}


def test_what_goes_wrong_after_the_first_event_is_an_event_with_a_problem(served, endpoint):
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("OPENAI_BASE_URL", endpoint.url)
        environment.setenv("MAXSIGHT_MODEL", "401")
        with running(served.home / "test.library", "--read-only") as server, server.client() as client:
            name, problem = events(client.post("/v1/ask", json={"question": "lamp"}))[-1]
    assert name == "error"
    assert (problem["type"], problem["status"]) == ("/problems/endpoint", 502)
    assert "OPENAI_API_KEY" in problem["hint"]


def test_a_closed_connection_ends_the_request_to_the_model(asking, endpoint):
    endpoint.hung_up.clear()
    endpoint.reply = iter(lambda: time.sleep(0.01) or "on and on ", None)
    with asking.stream("POST", "/v1/ask", json={"question": "lamp"}) as answer:
        assert "event: text" in answer.iter_lines()
    assert endpoint.hung_up.wait(20)


def test_a_caller_who_stops_reading_and_leaves_ends_it_too_without_garbage_collection(
    tmp_path, endpoint, monkeypatch
):
    """The answer then waits in the middle of an event to be taken; nothing but its owner can close it."""
    monkeypatch.setenv("OPENAI_BASE_URL", endpoint.url)
    monkeypatch.setenv("MAXSIGHT_MODEL", "talker")
    endpoint.hung_up.clear()
    endpoint.reply = iter(lambda: "o", None)

    async def ask_and_go(service):
        await hung_up_on(create_app(service), "POST", "/v1/ask", {"question": "lamp", "text_only": True})
        assert await asyncio.to_thread(endpoint.hung_up.wait, 10)

    (tmp_path / "lamp.txt").write_text("The lamp is repaired for four hundred pounds.\n")
    with Library.create(tmp_path / "test.library", encoder="fake") as library:
        library.index(tmp_path / "lamp.txt")
    with service_of(tmp_path) as service:
        gc.disable()
        try:
            asyncio.run(ask_and_go(service))
        finally:
            gc.enable()


def test_of_many_questions_at_once_some_are_answered_and_the_others_refused_with_retry_after(
    answering, endpoint
):
    asked, most = 14, RequestLimits().asks
    endpoint.reply = iter(lambda: time.sleep(0.01) or "on and on ", None)
    before = len(endpoint.requests)

    async def ask_all():
        limits = httpx.Limits(max_connections=None)
        headers = FROM_OUR_PAGES
        async with httpx.AsyncClient(
            base_url=answering.url, timeout=60, limits=limits, headers=headers
        ) as client:
            request = client.build_request("POST", "/v1/ask", json={"question": "lamp"})
            answers = await asyncio.gather(*[client.send(request, stream=True) for _ in range(asked)])
            refused = [answer for answer in answers if answer.status_code != 200]
            for answer in refused:
                await answer.aread()
            while len(endpoint.requests) - before < most:
                await asyncio.sleep(0.01)
            for answer in answers:
                await answer.aclose()
            return refused

    refused = asyncio.run(ask_all())
    assert len(refused) == asked - most
    assert len(endpoint.requests) == before + most
    for answer in refused:
        assert (answer.status_code, answer.json()["type"]) == (503, "/problems/too-busy")
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["detail"] == f"{most} questions are being answered already"
        assert answer.json()["hint"] and answer.headers["retry-after"]
    endpoint.reply = ["Four hundred pounds [1]."]
    with answering.client() as client:  # those who have hung up, been refused or failed hold no place
        for _ in range(100):
            answer = client.post("/v1/ask", json={"question": "lamp"})
            if answer.status_code == 200:
                break
            time.sleep(0.1)
        for _ in range(most):
            client.post("/v1/ask", json={"question": "lamp", "filter": "("})
        answer = client.post("/v1/ask", json={"question": "lamp"})
    assert events(answer)[-1][0] == "done"


def test_the_library_says_which_model_answers_if_one_does(asking, client):
    assert asking.get("/v1/library").json()["answers"] == "talker"
    assert client.get("/v1/library").json()["answers"] is None


def test_a_server_without_a_model_says_what_to_set(client):
    answer = client.post("/v1/ask", json={"question": "lamp"})
    assert answer.status_code == 501
    problem = answer.json()
    assert problem["type"] == "/problems/endpoint-not-configured"
    assert "MAXSIGHT_MODEL" in problem["hint"] and "OPENAI_BASE_URL" in problem["hint"]


@pytest.mark.parametrize(
    "body, status",
    [({"question": ""}, 400), ({"question": "x" * 10_001}, 422), ({"question": "x", "top_k": 0}, 422)],
)
def test_a_question_that_can_not_be_asked_is_refused_before_anything_is_sent(asking, endpoint, body, status):
    before = len(endpoint.requests)
    answer = asking.post("/v1/ask", json=body)
    assert answer.status_code == status and answer.headers["content-type"] == "application/problem+json"
    assert len(endpoint.requests) == before
