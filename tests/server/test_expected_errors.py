"""Predicted error rates of OCR in the API."""

import pytest

from maxsight import Library
from maxsight.pictures import Fit, PictureFit
from pdf_files import write_pdf
from server.serving import index


class CountingJudge:
    """Expects 0.1 of the first page it sees, 0.2 of the next; it has no number for the third."""

    revision = "1"
    dpi = 36
    picture = PictureFit(Fit.MULTIPLE, multiple_px=1, min_pixels=1, max_pixels=10**6)
    seen = 0

    def page_fields(self, picture):
        self.seen += 1
        return {"quality_note": "blank"} if self.seen == 3 else {"predicted_cer": self.seen / 10}


@pytest.fixture
def judged(own, tmp_path):
    """A client of a server whose library has one document of three pages."""
    pages = [[(72, 100, f"The tide table of day {number}")] for number in range(3)]
    with own.client() as client:
        index(client, ("tides.pdf", write_pdf(tmp_path / "tides.pdf", pages).read_bytes()))
        (item,) = client.get("/v1/documents").json()["items"]
        assert item["quality"] is None
        with Library.open(own.home / "own.library") as library:
            library.index(own.home / item["path"], quality=CountingJudge(), workers=1)
        yield client


def test_a_document_has_the_mean_and_the_worst_error_rate_of_its_pages(judged):
    (item,) = judged.get("/v1/documents").json()["items"]
    assert item["quality"] == {"mean_cer": 0.15, "worst_cer": 0.2, "worst_page": 2, "judged": 2}
    assert item["metadata"] == {}


def test_pages_and_hits_tell_what_is_expected_of_each(judged):
    (item,) = judged.get("/v1/documents").json()["items"]
    pages = judged.get(item["links"]["self"]).json()["pages"]
    expected = [
        {"predicted_cer": 0.1, "quality_model": "1"},
        {"predicted_cer": 0.2, "quality_model": "1"},
        {"quality_note": "blank", "quality_model": "1"},
    ]
    assert [page["metadata"] for page in pages] == expected
    assert [judged.get(page["links"]["self"]).json()["metadata"] for page in pages] == expected
    hits = judged.get("/v1/search", params={"q": "tide", "filter": "predicted_cer > 0.15"}).json()["hits"]
    assert [(hit["page_number"], hit["metadata"]) for hit in hits] == [(2, expected[1])]
