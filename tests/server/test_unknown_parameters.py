"""Unknown parameters are refused: nobody would notice that they do nothing."""

import httpx
import pytest

from server.serving import files_below


@pytest.mark.parametrize(
    "address, detail, hint",
    [
        (
            "/v1/search?q=lamp&topk=5",
            "unknown parameter 'topk'; did you mean top_k?",
            "GET /v1/search takes q, top_k, filter, exact, names, phrases, group, rerank, explain.",
        ),
        ("/v1/search?Q=lamp", "unknown parameter 'Q'; did you mean q?", "GET /v1/search takes q, "),
        (
            "/v1/documents?zebra=1",
            "unknown parameter 'zebra'",
            "GET /v1/documents takes limit, cursor, filter.",
        ),
        (f"/v1/pages/{'0' * 32}?width=8", "unknown parameter 'width'", "GET /v1/pages/{page_id} takes none."),
        ("/v1/health?verbose", "unknown parameter 'verbose'", "GET /v1/health takes none."),
    ],
)
def test_an_unknown_query_parameter_is_named_with_the_known_ones(client, address, detail, hint):
    answer = client.get(address)
    assert answer.status_code == 422
    problem = answer.json()
    assert (problem["type"], problem["detail"]) == ("/problems/unknown-parameter", detail)
    assert problem["hint"].startswith(hint)


def test_a_delete_with_an_unknown_parameter_deletes_nothing(client):
    document = client.get("/v1/documents").json()["items"][0]["links"]["self"]
    answer = client.delete(f"{document}?dry_run=true")
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/unknown-parameter")
    assert client.get(document).status_code == 200


def test_addresses_of_the_web_page_keep_what_they_are_given(served):
    for address in ("/?q=lamp&page=1&anything=2", "/docs?a=1", "/static/js/address.js?version=2"):
        assert httpx.get(served.url + address).status_code == 200


@pytest.mark.parametrize(
    "address, body, detail, hint",
    [
        (
            "/v1/search",
            {"querry": "lamp"},
            "unknown parameter 'querry'; did you mean query?",
            "POST /v1/search takes query, top_k, filter, exact, names, phrases, group, rerank, explain.",
        ),
        ("/v1/embeddings", {"Text": "lamp"}, "unknown parameter 'Text'; did you mean text?", "POST /v1/emb"),
        ("/v1/ask", {"question": "lamp?", "topk": 2}, "unknown parameter 'topk'; did you mean top_k?", ""),
        ("/v1/session", {"secret": "x"}, "unknown parameter 'secret'", "POST /v1/session takes token."),
    ],
)
def test_an_unknown_field_of_a_body_is_named_before_missing_ones(client, address, body, detail, hint):
    answer = client.post(address, json=body)
    assert answer.status_code == 422
    problem = answer.json()
    assert (problem["type"], problem["detail"]) == ("/problems/unknown-parameter", detail)
    assert problem["hint"].startswith(hint)


@pytest.mark.parametrize(
    "address, files, detail, hint",
    [
        ("/v1/documents", {"file": ("a.txt", b"a")}, "'file'; did you mean files?", "The form takes files."),
        ("/v1/documents", {"year": (None, b"1901")}, "'year'", "The form takes files."),
        ("/v1/embeddings", {"files": ("a.txt", b"a")}, "'files'; did you mean file?", "The form takes file."),
    ],
)
def test_an_unknown_field_of_a_form_is_named_and_nothing_is_stored(
    client, served, address, files, detail, hint
):
    answer = client.post(address, files=files)
    assert answer.status_code == 422
    problem = answer.json()
    assert (problem["type"], problem["detail"], problem["hint"]) == (
        "/problems/unknown-parameter",
        f"unknown parameter {detail}",
        hint,
    )
    assert not files_below(served.home / "uploads")


@pytest.mark.parametrize("address", ["/v1/search", "/v1/embeddings", "/v1/session"])
@pytest.mark.parametrize("says", [{"Content-Type": "application/x-www-form-urlencoded"}, {}])
def test_json_without_its_media_type_is_refused_with_the_missing_header(client, served, address, says):
    """As curl -d sends it; with the header of our own pages, and without."""
    answer = client.post(address, content=b'{"query": "lamp"}', headers=says)
    assert (answer.status_code, answer.json()["type"]) == (415, "/problems/unsupported-media-type")
    assert "the header Content-Type: application/json" in answer.json()["hint"]
    answer = httpx.post(served.url + address, content=b'{"query": "lamp"}', headers=says)
    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/missing-header")
    assert "the header Content-Type: application/json" in answer.json()["hint"]


def test_json_that_is_nested_too_deeply_is_refused(client):
    deep = b'{"a":' * 100_000
    for address in ("/v1/search", "/v1/embeddings"):
        answer = client.post(address, content=deep, headers={"Content-Type": "application/json"})
        assert 400 <= answer.status_code < 500, answer.text


def test_a_body_that_is_no_json_says_where_it_goes_wrong(client):
    for address, where in (
        ("/v1/search", "the body is not JSON from character 11 on: Expecting value"),
        ("/v1/embeddings", "the body is not JSON: expected value at line 1 column 11"),
    ):
        headers = {"Content-Type": "application/json"}
        answer = client.post(address, content=b'{"query": lamp}', headers=headers)
        assert (answer.status_code, answer.json()["type"]) == (422, "/problems/invalid-request")
        assert answer.json()["detail"] == where
