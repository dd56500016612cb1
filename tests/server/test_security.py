"""Tokens, host names, sessions and requests from other web sites."""

import asyncio
import os
import socket
import subprocess
import sys

import httpx
import pytest

from maxsight.errors import InputError
from maxsight.server import security
from maxsight.server.config import ServerSettings
from server.conftest import TOKEN
from server.inside import client_of, service_of
from server.serving import FROM_OUR_PAGES, index, running

BEARER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture(scope="module")
def stranger(guarded):
    with guarded.client() as client:
        yield client


ADDRESSES = [
    "/v1/search?q=treasure", "/v1/documents", "/v1/library", "/v1/jobs", "/metrics", "/openapi.json", "/mcp",
    f"/v1/pages/{'0' * 32}", f"/v1/pages/{'0' * 32}/image", f"/v1/documents/{'0' * 32}/source", "/nowhere",
]  # fmt: skip


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize(
    "shown",
    [{}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {TOKEN}"}, {"Authorization": "Bearer"}],
)
def test_without_the_token_there_is_nothing_to_be_had(stranger, address, shown):
    answer = stranger.get(address, headers=shown)
    assert (answer.status_code, answer.json()["type"]) == (401, "/problems/unauthorized")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert "treasure" not in answer.text


@pytest.mark.parametrize("address", ["/v1/health", "/v1/ready", "/", "/docs"])
def test_addresses_without_library_content_need_no_token(stranger, address):
    assert stranger.get(address).status_code == 200


def test_the_token_opens_everything(stranger):
    hits = stranger.get("/v1/search", params={"q": "treasure"}, headers=BEARER).json()["hits"]
    assert "old oak" in hits[0]["snippet"]


def test_a_browser_signs_in_once_and_out(guarded):
    with guarded.client() as browser:
        assert browser.post("/v1/session", json={"token": "wrong"}).status_code == 401
        answer = browser.post("/v1/session", json={"token": TOKEN})
        assert answer.status_code == 204
        cookie = answer.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=Strict" in cookie
        assert TOKEN not in cookie
        assert browser.get("/v1/library").status_code == 200
        assert browser.delete("/v1/session").status_code == 204
        assert browser.get("/v1/library").status_code == 401


@pytest.mark.parametrize("cookie", ["", "x", "99999999999.00", "99999999999.é", "1.", ".", "9" * 5000])
def test_a_cookie_that_was_made_up_opens_nothing(stranger, cookie):
    answer = stranger.get("/v1/library", headers={"Cookie": f"maxsight_session={cookie}".encode()})
    assert answer.status_code == 401


def test_signing_out_ends_the_session_for_copies_of_its_cookie_too(guarded):
    with httpx.Client(base_url=guarded.url) as browser:
        browser.post("/v1/session", json={"token": TOKEN})
        copied = browser.cookies["maxsight_session"]
        assert browser.get("/v1/library").status_code == 200
        browser.delete("/v1/session")
    with httpx.Client(base_url=guarded.url, cookies={"maxsight_session": copied}) as thief:
        assert thief.get("/v1/library").status_code == 401


def test_wrong_tokens_are_logged_by_address_and_answered_later_each_time(monkeypatch, caplog):
    sessions, waited = security.Sessions(TOKEN), []

    async def sleep(seconds):
        waited.append(seconds)

    monkeypatch.setattr(security.asyncio, "sleep", sleep)
    for _ in range(8):
        asyncio.run(sessions.note_wrong("192.0.2.7"))
    asyncio.run(sessions.note_wrong("192.0.2.8"))
    assert waited == [0.1, 0.2, 0.4, 0.5, 0.5, 0.5, 0.5, 0.5, 0.1]
    assert "a wrong token came from 192.0.2.7, number 8" in caplog.text
    for number in range(security.MAX_ADDRESSES + 5):
        asyncio.run(sessions.note_wrong(str(number)))
    assert len(sessions._wrong) == security.MAX_ADDRESSES


def test_head_is_answered_as_get_without_a_body(client):
    for path in ("/", "/v1/library", "/v1/health", "/static/js/app.js"):
        get, head = client.get(path), client.head(path)
        assert (head.status_code, head.content) == (get.status_code, b"")
        assert head.headers["content-type"] == get.headers["content-type"]
    assert client.head("/v1/no-such-address").status_code == 404


def test_a_request_with_two_lengths_is_refused(served):
    host, port = served.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as line:
        line.sendall(
            b"POST /v1/search HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
        )
        assert line.recv(100).startswith(b"HTTP/1.1 400 ")


def test_a_session_ends(monkeypatch):
    sessions = security.Sessions(TOKEN)
    monkeypatch.setattr(security.time, "time", lambda: 0.0)
    old = sessions.new()
    assert sessions.is_valid(old)
    monkeypatch.undo()
    assert not sessions.is_valid(old)
    assert not security.Sessions("another-token-of-theirs").is_valid(sessions.new())


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8000", "localhost.evil.example", ""])
def test_another_name_for_this_machine_is_refused(client, host):
    answer = client.get("/v1/library", headers={"Host": host})
    assert (answer.status_code, answer.json()["type"]) == (421, "/problems/unknown-host")


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1", "[::1]:8000", "192.168.0.7:8000"])
def test_names_of_this_machine_and_plain_addresses_are_let_in(client, host):
    assert client.get("/v1/health", headers={"Host": host}).status_code == 200


FORGED = [
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site", "Origin": "http://localhost:3000"},
]


@pytest.mark.parametrize("headers", FORGED)
def test_a_page_of_another_site_changes_and_reads_nothing(client, headers):
    document = client.get("/v1/documents").json()["items"][0]["links"]["self"]
    for ask in (
        lambda: client.delete(document, headers=headers),
        lambda: client.post("/v1/documents", files={"files": ("a.txt", b"a")}, headers=headers),
        lambda: client.post("/v1/search", json={"query": "lamp"}, headers=headers),
        lambda: client.get("/v1/search", params={"q": "lamp"}, headers=headers),
    ):
        answer = ask()
        assert (answer.status_code, answer.json()["type"]) == (403, "/problems/cross-site-request")
        assert "access-control-allow-origin" not in answer.headers
    assert client.get(document).status_code == 200


def test_a_form_that_a_browser_would_send_unasked_needs_our_header(client, served):
    plain = {"X-Requested-With": ""}
    for content_type in (
        "multipart/form-data; boundary=a",
        "text/plain",
        "application/x-www-form-urlencoded",
    ):
        for address in ("/v1/documents", "/v1/search", "/v1/session", "/v1/embeddings"):
            answer = client.post(address, content=b"{}", headers=plain | {"Content-Type": content_type})
            assert (answer.status_code, answer.json()["type"]) == (403, "/problems/missing-header")


SITE = "https://intranet.example"
REFUSED = {
    "unauthorized": ("GET", "/v1/library", {}),
    "unknown-host": ("GET", "/v1/library", BEARER | {"Host": "evil.example"}),
    "content-too-large": ("POST", "/v1/search", BEARER | {"Content-Length": "9000000"}),
    "missing-header": ("POST", "/v1/documents", {"Content-Type": "text/plain", "X-Requested-With": ""}),
}


def asked_from(folder, site, *requests):
    """What a server that asks for a token and names one site answers to a page of another, or of that one."""

    async def ask():
        with service_of(folder, ServerSettings(token=TOKEN, cors_origins=(SITE,))) as service:
            async with client_of(service, Origin=site, **{"Sec-Fetch-Site": "cross-site"}) as client:
                return [
                    await client.request(method, address, headers=headers)
                    for method, address, headers in requests
                ]

    return asyncio.run(ask())


def test_a_page_of_a_named_site_can_read_why_it_is_refused(tmp_path):
    for kind, answer in zip(REFUSED, asked_from(tmp_path, SITE, *REFUSED.values()), strict=True):
        assert answer.json()["type"] == f"/problems/{kind}"
        assert answer.headers.get_list("access-control-allow-origin") == [SITE]
        assert "origin" in answer.headers["vary"].lower()
        assert "access-control-allow-credentials" not in answer.headers


def test_a_page_of_a_named_site_is_answered_once_it_shows_the_token(tmp_path):
    before, answer, missing = asked_from(
        tmp_path,
        SITE,
        ("OPTIONS", "/v1/library", {"Access-Control-Request-Method": "GET"}),
        ("GET", "/v1/library", BEARER),
        ("GET", "/nowhere", BEARER),
    )
    assert (before.status_code, answer.status_code, missing.status_code) == (200, 200, 404)
    for one in (before, answer, missing):
        assert one.headers.get_list("access-control-allow-origin") == [SITE]


def test_a_page_of_any_other_site_can_read_nothing_whether_it_is_refused_or_not(tmp_path):
    asks = [
        *REFUSED.values(),
        ("GET", "/v1/library", BEARER),
        ("OPTIONS", "/v1/library", {"Access-Control-Request-Method": "GET"}),
    ]
    for site in ("https://evil.example", "null", f"{SITE}.evil.example"):
        for answer in asked_from(tmp_path / site.rpartition("/")[2], site, *asks):
            assert answer.status_code >= 400
            assert "access-control-allow-origin" not in answer.headers


def test_our_own_page_and_a_followed_link_are_let_in(client, served):
    own = {"Origin": served.url, "Sec-Fetch-Site": "same-origin"} | FROM_OUR_PAGES
    assert client.post("/v1/search", json={"query": "lamp"}, headers=own).status_code == 200
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert client.get("/?q=lamp", headers=link).status_code == 200


def test_every_answer_has_the_security_headers_for_browsers(client):
    page = client.get("/v1/documents").json()["items"][0]
    for address in ("/", "/docs", "/v1/library", "/v1/pages/x", "/nowhere", page["links"]["thumbnail"]):
        headers = client.get(address).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert "server" not in headers


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.2", "example.org"])
def test_other_machines_are_let_in_only_with_a_token(host):
    with pytest.raises(InputError, match="needs a token") as caught:
        ServerSettings(host=host)
    assert "MAXSIGHT_API_TOKEN" in caught.value.hint
    assert TOKEN not in repr(ServerSettings(host=host, token=TOKEN))


@pytest.mark.parametrize(
    "settings", [{"token": "short"}, {"cors_origins": ("*",)}, {"allowed_hosts": ("*",)}]
)
def test_what_would_leave_the_door_open_is_refused(settings):
    with pytest.raises(InputError):
        ServerSettings(**settings)


def test_a_port_that_is_taken_is_named(served):
    command = [sys.executable, "-m", "maxsight", "serve", "--port", str(served.port)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 2
    assert f"port {served.port}" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="has no permissions of this kind")
@pytest.mark.parametrize(("options", "open_to_all"), [((), False), (("--group-readable",), True)])
def test_with_a_token_what_a_server_makes_is_for_its_user_alone(tmp_path, options, open_to_all):
    before = os.umask(0o022)
    try:
        with (
            running(tmp_path / "a.library", "--token", TOKEN, *options) as server,
            server.client(headers=BEARER) as client,
        ):
            assert index(client, ("a.txt", b"treasure"))["state"] == "done"
    finally:
        os.umask(before)
    made = [*(tmp_path / "a.library").rglob("*"), *(tmp_path / "uploads").rglob("*")]
    assert {bool(path.stat().st_mode & 0o077) for path in made} == {open_to_all}
