"""What nobody foresaw is answered as a problem like any other, and told to whoever looks after the server."""

import asyncio

import httpx

from maxsight.server.app import create_app
from maxsight.server.config import ServerSettings
from maxsight.server.problems import MEDIA_TYPE
from server.inside import listening, service_of
from server.serving import FROM_OUR_PAGES

SITE = "https://intranet.example"


def broken(service):
    def fail():
        raise KeyError("nobody foresaw this")

    service.reader.documents = fail


def test_a_mistake_of_ours_is_a_problem_with_every_header(tmp_path):
    async def ask(service):
        transport = httpx.ASGITransport(create_app(service), raise_app_exceptions=False)
        headers = FROM_OUR_PAGES | {"Origin": SITE, "Sec-Fetch-Site": "cross-site"}
        async with httpx.AsyncClient(
            transport=transport, base_url="http://127.0.0.1", headers=headers
        ) as client:
            return await client.get("/metrics")

    with service_of(tmp_path, ServerSettings(cors_origins=(SITE,))) as service:
        broken(service)
        answer = asyncio.run(ask(service))
    assert answer.status_code == 500
    assert answer.headers["content-type"] == MEDIA_TYPE
    assert answer.json()["type"] == "/problems/internal-error"
    assert "nobody foresaw" not in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["access-control-allow-origin"] == SITE


def test_a_mistake_of_ours_is_logged_with_where_it_happened(tmp_path, capsys):
    with service_of(tmp_path) as service:
        broken(service)
        with listening(service) as port:
            answer = httpx.get(f"http://127.0.0.1:{port}/metrics")
    assert (answer.status_code, answer.json()["type"]) == (500, "/problems/internal-error")
    logged = capsys.readouterr().err
    assert logged.count("nobody foresaw this") == 1 + logged.count("raise KeyError")
    assert "Traceback" in logged and "in get_metrics" in logged
