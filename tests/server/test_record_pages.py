"""A library of records, served: its documents have text and no file of their own."""

import io
import json

import pytest
from click.testing import CliRunner
from PIL import Image
from starlette.testclient import TestClient

from colour_encoder import ColourEncoder
from maxsight import Library
from maxsight.cli import main
from maxsight.documents import OcrChoice, ReadSettings
from maxsight.server.app import create_app
from maxsight.server.config import ServerSettings
from maxsight.server.service import Service
from page_rows import FIELDS, page_row, write_rows


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


class Colours(ColourEncoder):
    """Takes any question, as a server asks one when it starts."""

    def encode_query(self, text):
        return super().encode_query(f"{text} red")


def test_a_row_that_is_a_page_shows_its_image(tmp_path):
    rows = [page_row(7, "report", 12, "red"), page_row(8, "report", 3, "blue")]
    file = write_rows(tmp_path / "corpus.parquet", *rows)
    settings = ReadSettings(ocr=OcrChoice.NONE)
    with Library.create(tmp_path / "a.library", encoder=Colours(), settings=settings) as library:
        library.index(file, records=FIELDS)
    service = Service.open(tmp_path / "a.library", ServerSettings(read_only=True), encoder=Colours())
    with TestClient(create_app(service), base_url="http://127.0.0.1") as client:
        hit = client.get("/v1/search", params={"q": "red"}).json()["hits"][0]
        assert (hit["page_number"], hit["metadata"]["corpus_id"]) == (12, 7)
        page = client.get(hit["links"]["page"]).json()
        assert (page["source_state"], page["links"]["source"], page["text"]) == (
            "records",
            None,
            "A page of red",
        )
        assert page["image"]["height"] / page["image"]["width"] == pytest.approx(1.4, abs=0.01)
        image = Image.open(io.BytesIO(client.get(hit["links"]["image"]).content))
        assert image.size == (100, 140)
        assert client.get(hit["links"]["heatmap"]).status_code == 200
