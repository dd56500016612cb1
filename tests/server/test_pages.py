"""Pages as the API shows them."""

import io
import shutil

import numpy as np
import pytest
from PIL import Image

from pdf_files import ink_under, write_pdf
from server.serving import index, upload


@pytest.fixture(scope="module")
def page_ids(client):
    (document,) = [
        item for item in client.get("/v1/documents").json()["items"] if item["file"] == "lighthouse.pdf"
    ]
    pages = client.get(f"/v1/documents/{document['document_id']}").json()["pages"]
    return [page["page_id"] for page in pages]


def picture(answer):
    assert answer.status_code == 200, answer.text
    return Image.open(io.BytesIO(answer.content))


def test_a_page_has_its_text_its_words_and_its_neighbours(client, page_ids):
    page = client.get(f"/v1/pages/{page_ids[1]}").json()
    assert page["text"].split() == "Repairs of the lamp cost four hundred pounds.".split()
    assert " ".join(word["text"] for word in page["words"]) == page["text"].strip()
    assert (page["previous"], page["next"]) == (page_ids[0], page_ids[2])
    assert (page["page_number"], page["page_count"]) == (2, 3)
    assert page["metadata"] == {"year": 1901, "topic": "sea"}
    assert page["source_state"] == "available"
    assert len(page["regions"]) == page["vectors"]


def test_words_stand_where_the_picture_has_ink(client, page_ids):
    page = client.get(f"/v1/pages/{page_ids[1]}").json()
    image = picture(client.get(f"/v1/pages/{page_ids[1]}/image"))
    for word in page["words"]:
        region = word["region"]
        box = np.array([region[edge] for edge in ("x0", "y0", "x1", "y1")])
        assert ink_under(image, box) > 0.05, word
    width, height = page["image"]["width"], page["image"]["height"]
    assert image.width / image.height == pytest.approx(width / height, rel=0.01)


def test_the_first_and_the_last_page_have_one_neighbour(client, page_ids):
    first, last = (client.get(f"/v1/pages/{page_ids[index]}").json() for index in (0, -1))
    assert first["previous"] is None
    assert last["next"] is None


@pytest.mark.parametrize(("asked", "got"), [(1, 200), (400, 400), (401, 800), (2400, 1700)])
def test_a_picture_comes_in_the_next_of_a_few_sizes_and_no_finer_than_the_page_is_drawn(
    client, page_ids, asked, got
):
    answer = client.get(f"/v1/pages/{page_ids[0]}/image", params={"width": asked})
    assert picture(answer).width == got


def test_a_picture_that_a_browser_has_is_not_sent_again(client, page_ids):
    address = f"/v1/pages/{page_ids[0]}/image?width=400"
    tag = client.get(address).headers["etag"]
    again = client.get(address, headers={"If-None-Match": tag})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)


def test_a_heatmap_is_transparent_but_where_a_word_matched(client, page_ids):
    address = f"/v1/pages/{page_ids[1]}"
    query = "lamp pounds"
    explanation = client.get(f"{address}/explanation", params={"q": query}).json()
    lamp, pounds = explanation["matches"]
    layers = [
        np.asarray(picture(client.get(f"{address}/heatmap", params={"q": query, "word": match["token"]})))
        for match in (lamp, pounds)
    ]
    for match, layer in zip((lamp, pounds), layers, strict=True):
        height, width, channels = layer.shape
        assert channels == 4
        y, x = np.unravel_index(layer[:, :, 3].argmax(), (height, width))
        region = match["region"]
        assert region["x0"] - 0.01 <= x / width <= region["x1"] + 0.01
        assert region["y0"] - 0.01 <= y / height <= region["y1"] + 0.01
        assert (layer[:, :, 3] == 0).mean() > 0.8
    assert (layers[0] != layers[1]).any()


def test_an_explanation_names_each_token_by_what_it_says(client, page_ids):
    answer = client.get(f"/v1/pages/{page_ids[1]}/explanation", params={"q": "lamplighters lamp"})
    said = [(token["word"], token["piece"]) for token in answer.json()["tokens"] if token["piece"]]
    long = [piece for word, piece in said if word == "lamplighters"]
    assert len(long) > 1 and "".join(long) == "lamplighters"
    assert ("lamp", "lamp") in said


def test_a_heatmap_over_the_page_is_the_page_with_colour(client, page_ids):
    address = f"/v1/pages/{page_ids[1]}"
    marked = picture(client.get(f"{address}/heatmap", params={"q": "lamp", "over": "page", "width": 800}))
    plain = picture(client.get(f"{address}/image", params={"width": 800}))
    assert marked.size == plain.size
    assert np.ptp(np.asarray(plain.convert("RGB"), int), axis=2).max() < 40  # black on white
    assert np.ptp(np.asarray(marked.convert("RGB"), int), axis=2).max() > 100


def test_a_plain_text_has_a_picture_and_heat_too(client):
    hit = client.get("/v1/search", params={"q": "tomatoes"}).json()["hits"][0]
    assert hit["file"] == "garden.txt"
    image = picture(client.get(hit["links"]["image"]))
    heat = picture(client.get(hit["links"]["heatmap"] + "&width=1200"))
    assert heat.size == image.size
    assert np.asarray(heat)[:, :, 3].any()


def test_a_word_that_the_query_does_not_have_is_refused(client, page_ids):
    answer = client.get(f"/v1/pages/{page_ids[0]}/heatmap", params={"q": "lamp", "word": 7})
    assert answer.status_code == 400
    assert "no word 7" in answer.json()["detail"]


@pytest.mark.parametrize("rest", ["", "/image", "/heatmap?q=a", "/explanation?q=a"])
def test_a_page_that_is_not_in_the_library_is_not_found(client, rest):
    answer = client.get(f"/v1/pages/{'0' * 32}{rest}")
    assert answer.status_code == 404
    assert answer.json()["type"] == "/problems/unknown-page"


def test_no_path_in_an_address_reaches_the_file_system(client):
    for path in ("../../etc/passwd", "..%2f..%2fetc%2fpasswd", "%2e%2e/%2e%2e/etc/passwd"):
        for room in ("/static/", "/v1/pages/", "/v1/documents/", "/v1/jobs/"):
            answer = client.get(room + path)
            assert answer.status_code in (404, 422), (room, path)
            assert "root:" not in answer.text


def test_the_cached_picture_shows_when_the_file_has_gone(own, tmp_path):
    with own.client() as client:
        content = write_pdf(tmp_path / "a.pdf", [[(72, 100, "A page that was seen")]]).read_bytes()
        index(client, ("a.pdf", content))
        (hit,) = client.get("/v1/search", params={"q": "page"}).json()["hits"]
        seen = client.get(hit["links"]["thumbnail"])
        shutil.rmtree(own.home / "uploads")
        assert client.get(hit["links"]["thumbnail"]).content == seen.content
        assert client.get(hit["links"]["page"]).json()["source_state"] == "missing"
        gone = client.get(hit["links"]["image"])
        assert (gone.status_code, gone.json()["type"]) == (422, "/problems/unreadable-document")
        assert "can't be read" in gone.json()["detail"]
        assert client.get(hit["links"]["source"]).status_code == 422
        assert upload(client, ("a.pdf", content)).status_code == 202


def test_a_word_divided_between_lines_is_one_word_with_two_places(own, tmp_path):
    lines = [(72, 144, "this is a contin-"), (72, 160, "uation of it")]
    content = write_pdf(tmp_path / "divided.pdf", [lines]).read_bytes()
    with own.client() as client:
        index(client, ("divided.pdf", content))
        (hit,) = client.get("/v1/search", params={"q": "continuation"}).json()["hits"]
        word = client.get(hit["links"]["page"]).json()["words"][3]
    assert word["text"] == "continuation"
    assert word["region"]["y1"] <= word["more"][0]["y0"] + 0.005
    (match,) = hit["matches"]
    assert (match["text"], match["region"], match["more"]) == (word["text"], word["region"], word["more"])
