"""The API finds what the library finds."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from maxsight.results import doubts

QUESTIONS = ["storm", "lamp repairs", "honey in summer", "water for tomatoes", "fog horn", "lighthouse"]


def test_a_search_finds_what_the_library_finds(client, library):
    answer = client.get("/v1/search", params={"q": "who records storms?", "top_k": 3}).json()
    expected = library.search("who records storms?", top_k=3)
    assert answer["query"] == "who records storms?"
    assert [
        (hit["rank"], hit["file"], hit["page_number"], hit["snippet"], hit["page_id"])
        for hit in answer["hits"]
    ] == [(hit.rank, hit.file, hit.page_number, hit.snippet, hit.page_id) for hit in expected]
    assert [hit["score"] for hit in answer["hits"]] == pytest.approx([hit.score for hit in expected])
    best = answer["hits"][0]
    assert [(match["word"], match["text"]) for match in best["matches"]] == [
        (match.word, match.region.text) for match in expected[0].matches
    ]
    assert sum(match["score"] for match in best["matches"]) == pytest.approx(best["score"], abs=1e-5)


def test_asking_by_address_and_by_body_is_the_same(client):
    wanted = {"top_k": 2, "filter": "year = 1901", "exact": True}
    by_address = client.get("/v1/search", params={"q": "lamp", **wanted}).json()
    by_body = client.post("/v1/search", json={"query": "lamp", **wanted}).json()
    assert by_address["hits"] == by_body["hits"]
    assert {hit["file"] for hit in by_body["hits"]} == {"lighthouse.pdf"}
    assert by_body["hits"][0]["metadata"] == {"year": 1901, "topic": "sea"}


def test_a_hit_links_to_its_page_picture_heat_and_file(client):
    hit = client.get("/v1/search", params={"q": "lamp & horn?"}).json()["hits"][0]
    for name, address in hit["links"].items():
        answer = client.get(address.partition("#")[0])
        assert answer.status_code == 200, (name, answer.text)
    assert hit["links"]["source"].endswith(f"#page={hit['page_number']}")


def test_an_explanation_comes_with_every_hit_that_is_asked_for_and_sums_to_its_score(client):
    answer = client.get("/v1/search", params={"q": "lamp repairs", "explain": True}).json()
    for hit in answer["hits"]:
        for parts in ("regions", "tokens"):
            total = sum(part["score"] for part in hit["explanation"][parts])
            assert total == pytest.approx(hit["score"], abs=1e-4)


def test_searches_that_come_at_once_each_get_their_own_answer(client):
    def ask(question):
        return client.get("/v1/search", params={"q": question, "top_k": 2}).json()["hits"]

    alone = {question: ask(question) for question in QUESTIONS}
    with ThreadPoolExecutor(12) as threads:
        together = list(threads.map(ask, QUESTIONS * 4))
    for question, hits in zip(QUESTIONS * 4, together, strict=True):
        assert [hit["page_id"] for hit in hits] == [hit["page_id"] for hit in alone[question]]
        scores = [hit["score"] for hit in alone[question]]
        assert [hit["score"] for hit in hits] == pytest.approx(scores, abs=1e-5)


def test_a_bad_search_beside_good_ones_spoils_only_itself(client):
    def ask(question):
        return client.get("/v1/search", params={"q": question}).status_code

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(ask, ["storm", "???", "lamp", "...", "honey"])) == [200, 400, 200, 400, 200]


def test_a_language_that_the_encoder_has_not_learned_is_noticed(client, library):
    question = "Wie viel Honig macht ein Bienenvolk im Sommer und warum?"
    answer = client.get("/v1/search", params={"q": question}).json()
    assert answer["notices"] == [*library.notices(question), *doubts(library.search(question))]
    assert library.notices(question) and answer["hits"][0]["doubtful"]


@pytest.mark.parametrize(
    ("asked", "status", "kind", "says"),
    [
        ({"q": ""}, 400, "empty-query", "no words"),
        ({"q": "a", "top_k": 101}, 422, "invalid-request", "top_k"),
        ({"q": "a", "top_k": 0}, 422, "invalid-request", "top_k"),
        ({"q": "a" * 20_000}, 422, "invalid-request", "10000 characters"),
        ({"q": "a", "filter": "year >"}, 400, "filter", "year >"),
        ({"q": "a", "filter": "yeer = 1"}, 400, "filter", "did you mean year"),
        ({"q": "a", "filter": "1 = 1; DROP TABLE pages"}, 400, "filter", ""),
    ],
)
def test_a_search_that_can_not_be_done_says_why(client, asked, status, kind, says):
    answer = client.get("/v1/search", params=asked)
    problem = answer.json()
    assert answer.status_code == status == problem["status"]
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["type"] == f"/problems/{kind}"
    assert says in problem["detail"]
    assert problem["title"]


def test_a_question_of_a_megabyte_is_refused(client):
    answer = client.post("/v1/search", json={"query": "word " * 220_000})
    assert answer.status_code == 413
    assert answer.json()["type"] == "/problems/content-too-large"
    answer = client.post("/v1/search", json={"query": "word " * 100_000})
    assert answer.status_code == 422


def test_unknown_words_in_a_body_are_named(client):
    answer = client.post("/v1/search", json={"query": "lamp", "topk": 3})
    assert answer.status_code == 422
    assert "topk" in answer.json()["detail"]
