"""A reranker behind the API, the client, and the tools for assistants."""

import asyncio
import json

import pytest

pytest.importorskip("fastapi", reason="the extra 'server' is not installed")
pytest.importorskip("httpx", reason="the extra 'client' is not installed")

from maxsight import Library
from maxsight.client import RemoteLibrary
from maxsight.errors import InputError
from maxsight.server.batching import SearchOptions
from maxsight.server.mcp_pages import Pages, found_page
from rerankers import Prefers
from server.inside import client_of, listening, service_of

QUESTION = "tower bridge stone"


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    folder = tmp_path_factory.mktemp("served")
    for number, text in enumerate(("tower bridge stone", "tower lamp", "tower bridge lamp lamp")):
        (folder / f"{number}.txt").write_text(text)
    with Library.create(folder / "test.library", encoder="fake") as library:
        library.index([folder])
    with service_of(folder, reranker=Prefers("lamp", pages=2)) as service:
        yield service


def test_a_request_asks_for_the_servers_reranker_by_the_name_that_the_server_gives(service):
    async def ask(**more):
        async with client_of(service) as client:
            return await client.post("/v1/search", json={"query": QUESTION, **more})

    plain = asyncio.run(ask()).json()["hits"]
    hits = asyncio.run(ask(rerank="prefers")).json()["hits"]
    assert [hit["file"] for hit in hits] == [plain[1]["file"], plain[0]["file"], plain[2]["file"]]
    assert [hit["rerank_score"] for hit in hits] == [2, 0, None]
    assert [hit["rerank_score"] for hit in plain] == [None] * 3
    assert len(asyncio.run(ask(rerank="prefers", top_k=1)).json()["hits"]) == 1
    refused = asyncio.run(ask(rerank="other"))
    assert (refused.status_code, refused.json()["hint"]) == (400, "It has prefers.")

    async def library():
        async with client_of(service) as client:
            return (await client.get("/v1/library")).json()

    assert asyncio.run(library())["reranker"] == "prefers"


def test_assistants_always_get_the_second_look(service):
    for pages in (
        Pages.of_service(service),
        Pages.of_library(service.reader, service.reranker),
    ):
        hits = asyncio.run(pages.search(QUESTION, SearchOptions(top_k=2)))
        assert [hit.rerank_score for hit in hits] == [2, 0]
        assert hits[0].text.startswith("tower"), "a hit still knows its page"
        page = service.reader.page(hits[0].page_id)
        assert json.loads(found_page(hits[0], page, "mark").text.split("\n")[0])["rerank_score"] == 2


def test_the_client_asks_for_it(service):
    with listening(service) as port, RemoteLibrary(f"http://127.0.0.1:{port}") as remote:
        hits = remote.search(QUESTION, rerank="prefers").hits
        assert [hit.rerank_score for hit in hits] == [2, 0, None]
        with pytest.raises(InputError, match="no reranker other"):
            remote.search(QUESTION, rerank="other")
