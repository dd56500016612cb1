"""A library of records, served: its documents have text and no file of their own."""

import json

import pytest
from click.testing import CliRunner
from starlette.testclient import TestClient

from maxsight.cli import main
from maxsight.server.app import create_app
from maxsight.server.config import ServerSettings
from maxsight.server.service import Service


@pytest.fixture
def records(tmp_path, monkeypatch):
    """A client of a server of records, in this process."""
    monkeypatch.chdir(tmp_path)
    row = {"title": "Adobe", "text": "Bricks of clay.\n\nDried in the sun."}
    (tmp_path / "wiki.jsonl").write_text(json.dumps(row))
    command = ["index", "wiki.jsonl", "--group-by", "title", "--text-field", "text", "--library", "a.library"]
    indexed = CliRunner().invoke(main, command)
    assert indexed.exit_code == 0, indexed.output
    app = create_app(Service.open(tmp_path / "a.library", ServerSettings(read_only=True)))
    with TestClient(app, base_url="http://127.0.0.1") as client:
        yield client


def test_a_record_is_found_and_drawn_and_offers_no_file(records):
    hit = records.get("/v1/search", params={"q": "clay"}).json()["hits"][0]
    assert hit["path"] == "wiki.jsonl#Adobe"
    assert records.get(hit["links"]["thumbnail"]).status_code == 200
    assert records.get(hit["links"]["heatmap"]).status_code == 200
    page = records.get(hit["links"]["page"]).json()
    assert page["source_state"] == "records"
    (item,) = records.get("/v1/documents").json()["items"]
    links = {"hit": hit["links"], "page": page["links"], "document": item["links"]}
    assert {name: found["source"] for name, found in links.items()} == dict.fromkeys(links)
