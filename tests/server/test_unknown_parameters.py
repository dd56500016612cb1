"""A parameter that is misspelt is refused by name: nobody would notice that it did nothing."""

import httpx
import pytest


@pytest.mark.parametrize(
    "address, detail, hint",
    [
        (
            "/v1/search?q=lamp&topk=5",
            "unknown parameter 'topk'; did you mean top_k?",
            "GET /v1/search takes q, top_k, filter, hybrid, exact, explain.",
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
def test_what_an_address_does_not_take_is_named_with_what_it_takes(client, address, detail, hint):
    answer = client.get(address)
    assert answer.status_code == 422
    problem = answer.json()
    assert (problem["type"], problem["detail"]) == ("/problems/unknown-parameter", detail)
    assert problem["hint"].startswith(hint)


def test_so_is_it_where_something_is_changed_and_nothing_is(client):
    document = client.get("/v1/documents").json()["items"][0]["links"]["self"]
    answer = client.delete(f"{document}?dry_run=true")
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/unknown-parameter")
    assert client.get(document).status_code == 200


def test_addresses_of_the_web_page_keep_what_they_are_given(served):
    for address in ("/?q=lamp&page=1&anything=2", "/docs?a=1", "/static/js/address.js?version=2"):
        assert httpx.get(served.url + address).status_code == 200
